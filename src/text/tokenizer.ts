/**
 * What every tokenizer does, and how one is read back from a model file. A tokenizer maps text to dense ids
 * `0 … vocabSize - 1` and back; it knows nothing of tensors, and runs the same in Node and in a page.
 */
import { ConfigError, FormatError } from "../errors.ts";
import type { BPEDescription } from "../formats/bpe-description.ts";
import { readTokenizerJSON } from "../formats/tokenizer-json.ts";
import { ByteLevelBPETokenizer } from "./byte-level-bpe.ts";
import { CharacterBPETokenizer } from "./character-bpe.ts";
import { CharacterTokenizer } from "./character-tokenizer.ts";
import { WordTokenizer } from "./word-tokenizer.ts";

export interface Tokenizer {
  /** Names the class: `"character"`, `"word"`, `"byte-level-bpe"`, `"character-bpe"`. */
  readonly kind: string;
  /** Ids are `0 … vocabSize - 1`, without gaps. */
  readonly vocabSize: number;
  /** The ids of tokens that stand for no text of their own, such as `<|endoftext|>` or `<unk>`, by their names. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Lone surrogates are read as U+FFFD, as TextEncoder does. */
  encode(text: string, options?: EncodeOptions): Int32Array;
  /** @throws ConfigError for an id outside `0 … vocabSize - 1`. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /** Decodes ids that come one by one, as a model generates them. */
  createDecoder(options?: DecodeOptions): StreamingDecoder;
  /** What `tokenizerFromJSON` reads back. */
  toJSON(): object;
}

export interface EncodeOptions {
  /**
   * Whether a special token's name in the text becomes its id. Default true; false for text that its author must
   * not be able to end or steer with them, where the name is read as any other text.
   */
  parseSpecial?: boolean;
}

export interface DecodeOptions {
  /** Whether special tokens are left out of the text. Default false. */
  skipSpecial?: boolean;
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
