/** What the commands share: an engine, and texts and models from files. */
import { setFlagsFromString } from "node:v8";
import { createEngine, type Engine, type EngineOptions } from "../engine/engine.ts";
import { ConfigError, FormatError } from "../errors.ts";
import { CharacterTokenizer } from "../text/character-tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { readFileChecked } from "./atomic-write.ts";

/** V8 flags are process-wide, which is why the command sets this one and the library doesn't. */
export function openEngine(options: EngineOptions): Promise<Engine> {
  // Node 20 and 21 have relaxed SIMD behind a flag; later ones have it without, and refuse the flag.
  const major = Number(process.versions.node.split(".")[0]);
  if (options.numerics !== "reproducible" && major < 22)
    setFlagsFromString("--experimental-wasm-relaxed-simd");
  return createEngine(options);
}

/** @throws FileError, or FormatError where the bytes are no UTF-8 text or there are none. */
export async function readText(path: string): Promise<string> {
  const bytes = await readFileChecked(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${path} is not UTF-8 text`, { cause });
  }
  if (text.length === 0) throw new FormatError(`${path} is empty: expected text`);
  return text;
}

/** Runs `read`; what it has against a file's content is said with the file's path. */
export function about<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError || error instanceof ConfigError) {
      throw new FormatError(`${path}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Says, on standard error, which characters of a text the tokenizer doesn't know. */
export function warnUnknown(tokenizer: Tokenizer | undefined, text: string, what: string): void {
  if (!(tokenizer instanceof CharacterTokenizer)) return;
  const unknown = tokenizer.unknownCharacters(text);
  if (unknown.length === 0) return;
  const shown = unknown.slice(0, 20).map((character) => JSON.stringify(character));
  const more = unknown.length > 20 ? ` and ${unknown.length - 20} more` : "";
  console.error(
    `warning: ${what} has characters that the model never saw, read as <unk>: ${shown.join(" ")}${more}`,
  );
}
