/** What the commands share: an engine, texts from files, and how they say what is wrong with files. */
import { realpath } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { createEngine, type Engine, type EngineOptions } from "../engine/engine.ts";
import { ConfigError, FormatError } from "../errors.ts";
import { readFileChecked } from "./atomic-write.ts";

/** V8 flags are process-wide, which is why the command sets this one and the library doesn't. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  // Node 20 and 21 have relaxed SIMD behind a flag; later ones have it without, and refuse the flag.
  const major = Number(process.versions.node.split(".")[0]);
  if (options.numerics !== "reproducible" && major < 22)
    setFlagsFromString("--experimental-wasm-relaxed-simd");
  const engine = await createEngine(options);
  if (engine.narrow) console.error(`--wide: using ordinary kernels, since ${engine.narrow}`);
  return engine;
}

/** @throws FileError, or FormatError where the bytes are no UTF-8 text or there are none. */
export async function readText(path: string): Promise<string> {
  const bytes = await readFileChecked(path);
  const text = textOf(bytes, path);
  if (text.length === 0) throw new FormatError(`${path} is empty: expected text`);
  return text;
}

/** @throws FormatError, naming the bytes as `what`, where they are not UTF-8 or too many for a string. */
export function textOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_STRING_TOO_LONG") {
      const size = `${bytes.length.toLocaleString("en-US")} bytes`;
      throw new FormatError(`${what} is too long: a string of this runtime cannot hold its ${size}`, {
        cause,
      });
    }
    throw new FormatError(`${what} is not UTF-8 text`, { cause });
  }
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

/** @throws ConfigError if `out`, given with `option`, is one of the files that are read. */
export async function checkIsOther(option: string, out: string, ...read: string[]): Promise<void> {
  const [target, ...files] = await Promise.all(
    [out, ...read].map((name) => realpath(name).catch(() => name)),
  );
  if (files.includes(target)) {
    throw new ConfigError(`${option} ${out} is a file that is read: it would be overwritten`);
  }
}
