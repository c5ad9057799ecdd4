/** Tokenizers from data: from the JSON of one, and from what a reader of BPE files has read. */
import { ConfigError, FormatError } from "../errors.ts";
import type { BPEDescription } from "../formats/bpe-description.ts";
import { isObject, show } from "../formats/json-values.ts";
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
  if (!isObject(json)) throw new FormatError(`tokenizer: expected an object, got ${show(json)}`);
  if ("model" in json) {
    const description = readTokenizerJSON(json);
    try {
      return bpeTokenizer(description);
    } catch (error) {
      if (error instanceof ConfigError)
        throw new FormatError(`tokenizer.json: ${error.message}`, { cause: error });
      throw error;
    }
  }
  const { kind } = json;
  if (kind === "character") return CharacterTokenizer.fromJSON(json);
  if (kind === "word") return WordTokenizer.fromJSON(json);
  throw new FormatError(
    `tokenizer: kind: expected "character" or "word", or a tokenizer.json with a model, got ${show(kind)}`,
  );
}

/** The tokenizer for what a reader of BPE files has read. */
export function bpeTokenizer(description: BPEDescription): ByteLevelBPETokenizer | CharacterBPETokenizer {
  return description.form === "byte-level"
    ? new ByteLevelBPETokenizer(description)
    : new CharacterBPETokenizer(description);
}
