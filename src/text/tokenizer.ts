/**
 * What every tokenizer does: it maps text to dense ids `0 … vocabSize - 1` and back; it knows nothing of tensors, and
 * runs the same in Node and in a page.
 */

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
