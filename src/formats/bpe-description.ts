/**
 * A byte-pair encoder as data: what the file formats (tokenizer.json, vocab.json + merges.txt, .tiktoken) are read
 * into and the tokenizer classes are made from. Readers check it; the classes take it as it is.
 */
export interface BPEDescription {
  /**
   * `"byte-level"`: tokens are bytes, written in GPT-2's byte alphabet (byte-alphabet.ts).
   * `"character"`: tokens are characters, and a word's last one carries `endOfWordSuffix` (Sennrich et al. 2016).
   */
  form: "byte-level" | "character";
  /** The token of each id, added tokens included: dense, distinct. */
  tokens: readonly string[];
  /** Tokens that are found in the text before anything else is done with it. */
  addedTokens: readonly AddedToken[];
  /**
   * Four numbers a merge: left id, right id, the id that they become, rank. The lowest rank is merged first; of
   * equal ranks, the leftmost pair.
   */
  merges: Int32Array;
  /** Whether a piece that is a token as a whole is taken as it is, whatever the merges say (`ignore_merges`). */
  wholePieces: boolean;
  /** The pre-tokenizer's pattern as a regular expression in the syntax of Hugging Face's and tiktoken's files. */
  pattern: string;
  /** Byte-level: whether a text that does not begin with a space gets one before it. */
  addPrefixSpace: boolean;
  normalization?: NormalizationForm;
  /** Character form: `"</w>"`, what marks the end of a word; not empty. */
  endOfWordSuffix?: string;
  /** Character form: the token for characters outside the vocabulary, one of `tokens`; if none, they are left out. */
  unknownToken?: string;
}

export type NormalizationForm = "NFC" | "NFD" | "NFKC" | "NFKD";

export interface AddedToken {
  id: number;
  content: string;
  /** Special tokens stand for no text (`<|endoftext|>`); others are just never split. */
  special: boolean;
}

/** Numbers in {@link BPEDescription.merges} for one merge. */
export const MERGE_FIELDS = 4;
