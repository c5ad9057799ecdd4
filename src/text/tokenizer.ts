/**
 * What every tokenizer does, and how one is read back from a model file. A tokenizer maps text to dense ids
 * `0 … vocabSize - 1` and back; it knows nothing of tensors, and runs the same in Node and in a page.
 */
import { FormatError } from "../errors.ts";
import { CharacterTokenizer } from "./character-tokenizer.ts";

export interface Tokenizer {
  /** Names the class in a model file: `"character"`. */
  readonly kind: string;
  /** Ids are `0 … vocabSize - 1`, without gaps. */
  readonly vocabSize: number;
  /** Lone surrogates are read as U+FFFD, as TextEncoder does. */
  encode(text: string): Int32Array;
  /** @throws ConfigError for an id outside `0 … vocabSize - 1`. */
  decode(ids: Iterable<number>): string;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /** Decodes ids that come one by one, as a model generates them. */
  createDecoder(): StreamingDecoder;
  /** What `tokenizerFromJSON` reads back. */
  toJSON(): object;
}

export interface StreamingDecoder {
  /**
   * Returns the text that is certain once `id` has come; never half a character, so it may be empty.
   * @throws ConfigError for an id outside the vocabulary.
   */
  push(id: number): string;
  /** Returns what is still held back, and starts anew. */
  flush(): string;
}

/**
 * Rebuilds a tokenizer from what its `toJSON` returned.
 * @throws FormatError naming the property that is wrong.
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new FormatError(`tokenizer: expected an object, got ${describe(json)}`);
  }
  const { kind } = json as { kind?: unknown };
  if (kind === "character") return CharacterTokenizer.fromJSON(json);
  const got = typeof kind === "string" ? JSON.stringify(kind) : describe(kind);
  throw new FormatError(`tokenizer: kind: expected "character", got ${got}`);
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
