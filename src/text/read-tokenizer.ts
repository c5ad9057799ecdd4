/** Tokenizers from data: from the JSON of one, and from what a reader of BPE files has read. */
import { ConfigError, FormatError } from "../errors.ts";
import type { BPEDescription } from "../formats/bpe-description.ts";
import { readTokenizerJSON } from "../formats/tokenizer-json.ts";
import { ByteLevelBPETokenizer } from "./byte-level-bpe.ts";
import { CharacterBPETokenizer } from "./character-bpe.ts";
import { CharacterTokenizer } from "./character-tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { WordTokenizer } from "./word-tokenizer.ts";

/**
 * Rebuilds a tokenizer from what its `toJSON` returned. For byte-pair encoding that is Hugging Face's tokenizer.json,
 * which may come from there too.
 * @throws FormatError naming the property that is wrong.
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new FormatError(`tokenizer: expected an object, got ${describe(json)}`);
  }
  if ("model" in json) {
    const description = readTokenizerJSON(json);
    try {
      return bpeTokenizer(description);
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      throw new FormatError(`tokenizer.json: pre_tokenizer: ${cause.message}`, { cause });
    }
  }
  const { kind } = json as { kind?: unknown };
  if (kind === "character") return CharacterTokenizer.fromJSON(json);
  if (kind === "word") return WordTokenizer.fromJSON(json);
  const got = typeof kind === "string" ? JSON.stringify(kind) : describe(kind);
  throw new FormatError(
    `tokenizer: kind: expected "character" or "word", or a tokenizer.json with a model, got ${got}`,
  );
}

/** The tokenizer for what a reader of BPE files has read. */
export function bpeTokenizer(description: BPEDescription): ByteLevelBPETokenizer | CharacterBPETokenizer {
  return description.form === "byte-level"
    ? new ByteLevelBPETokenizer(description)
    : new CharacterBPETokenizer(description);
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
