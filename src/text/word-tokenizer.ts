/**
 * One id per word. Id 0 is `<unk>`, which stands for every word outside the vocabulary; then come the special
 * tokens, then the words. White space, and with `lowercase` the case of letters, is not kept.
 *
 * Encoding what `decode` returned gives the same ids, provided that no words side by side spell a special token's
 * name: `[PAD]` can be spelt by three words, `<|endoftext|>` cannot. See words.ts for what a word is.
 */
import { ConfigError, FormatError } from "../errors.ts";
import { show } from "../formats/json-values.ts";
import type { AddedTokens } from "./added-tokens.ts";
import { type CountOptions, checkPositive, countPieces } from "./bpe/training.ts";
import { forEachPiece, regexPreTokenizer } from "./pre-tokenizer.ts";
import type { TextSource } from "./text-source.ts";
import type { DecodeOptions, EncodeOptions, StreamingDecoder, Tokenizer } from "./tokenizer.ts";
import {
  checkSpecialTokens,
  REPLACEMENT,
  readSpecialTokens,
  specialTokensWithUnknown,
  UNKNOWN,
  UNKNOWN_ID,
} from "./unknown.ts";
import { isSpaced, STARTS_WITH_SPACE, WORD_PATTERN } from "./words.ts";

export interface WordOptions extends CountOptions {
  /** The most tokens, `<unk>` and special ones included: the most frequent words. Default: all words. */
  vocabSize?: number;
  /** Words that come more rarely become `<unk>`. Default 2. */
  minFrequency?: number;
  /** Whether words are read in lower case. Default false. */
  lowercase?: boolean;
  /** They get the ids from 1. A text is not searched for them while training. Default none. */
  specialTokens?: readonly string[];
}

interface Vocabulary {
  words: readonly string[];
  specialTokens: readonly string[];
  lowercase: boolean;
}

export class WordTokenizer implements Tokenizer {
  readonly kind = "word";
  readonly lowercase: boolean;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly #tokens: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #added: AddedTokens;
  readonly #firstWord: number;
  readonly #preTokenizer = regexPreTokenizer(WORD_PATTERN);

  /** `words` and `specialTokens`: distinct together, not empty. */
  private constructor({ words, specialTokens, lowercase }: Vocabulary) {
    this.lowercase = lowercase;
    this.#tokens = [UNKNOWN, ...specialTokens, ...words];
    this.#ids = new Map(this.#tokens.map((token, id) => [token, id]));
    this.#firstWord = 1 + specialTokens.length;
    [this.specialTokens, this.#added] = specialTokensWithUnknown(specialTokens);
  }

  /**
   * The vocabulary is the words of the texts, the most frequent first, those of equal frequency by code points.
   * @throws ConfigError for an option out of range; FormatError for a stream that is not UTF-8.
   */
  static async train(source: TextSource, options: WordOptions = {}): Promise<WordTokenizer> {
    const { vocabSize = Infinity, minFrequency = 2, lowercase = false, specialTokens = [] } = options;
    checkSpecialTokens(specialTokens);
    checkPositive("minFrequency", minFrequency);
    const room = vocabSize - 1 - specialTokens.length;
    if (!(room >= 0 && (Number.isSafeInteger(room) || room === Infinity))) {
      throw new ConfigError(
        `vocabSize: expected an integer from ${1 + specialTokens.length}, for ${UNKNOWN} and ` +
          `${specialTokens.length} special tokens, got ${vocabSize}`,
      );
    }
    const { pieces, counts } = await countPieces(source, regexPreTokenizer(WORD_PATTERN), options);
    const frequencies = new Map<string, number>();
    for (const [i, piece] of pieces.entries()) {
      if (STARTS_WITH_SPACE.test(piece)) continue;
      const word = normalized(piece.toWellFormed(), lowercase);
      frequencies.set(word, (frequencies.get(word) ?? 0) + counts[i]);
    }
    for (const reserved of [UNKNOWN, REPLACEMENT, ...specialTokens]) frequencies.delete(reserved);
    const words = [...frequencies]
      .filter(([, frequency]) => frequency >= minFrequency)
      .sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b))
      .slice(0, room)
      .map(([word]) => word);
    return new WordTokenizer({ words, specialTokens, lowercase });
  }

  /**
   * Reads `{ words, specialTokens, lowercase }`, as `toJSON` gives it; ids are 1, 2, … in the order of first the
   * special tokens, then the words.
   * @throws FormatError where it is something else.
   */
  static fromJSON(json: object): WordTokenizer {
    const { words, lowercase = false } = json as { words?: unknown; lowercase?: unknown };
    const specialTokens = readSpecialTokens(json, "word tokenizer");
    if (typeof lowercase !== "boolean") {
      throw new FormatError(`word tokenizer: lowercase: expected true or false, got ${typeof lowercase}`);
    }
    if (!Array.isArray(words)) {
      throw new FormatError(`word tokenizer: words: expected an array of strings, got ${typeof words}`);
    }
    const seen = new Set([UNKNOWN, ...specialTokens]);
    for (const [i, word] of words.entries()) {
      const where = `word tokenizer: words: number ${i}`;
      if (typeof word !== "string" || word === "" || !word.isWellFormed()) {
        throw new FormatError(`${where}: expected a well-formed string that is not empty, got ${show(word)}`);
      }
      if (seen.has(word)) {
        throw new FormatError(`${where}, ${JSON.stringify(word)}, was there already; expected distinct ones`);
      }
      seen.add(word);
    }
    return new WordTokenizer({ words, specialTokens, lowercase });
  }

  get vocabSize(): number {
    return this.#tokens.length;
  }

  /** Words outside the vocabulary become `<unk>`, id 0. */
  encode(text: string, { parseSpecial = true }: EncodeOptions = {}): Int32Array {
    const ids: number[] = [];
    const encodeText = (part: string): void => {
      this.#forEachWord(part, (_, id) => ids.push(id));
    };
    this.#added.split(text.toWellFormed(), parseSpecial, encodeText, (id) => ids.push(id));
    return Int32Array.from(ids);
  }

  /** `<unk>` becomes U+FFFD. Throws a ConfigError for an id outside `0 … vocabSize - 1`. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string {
    const decoder = this.createDecoder(options);
    let text = "";
    for (const id of ids) text += decoder.push(id);
    return text;
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }

  /** A word comes with the space before it, so nothing is held back. */
  createDecoder({ skipSpecial = false }: DecodeOptions = {}): StreamingDecoder {
    let last: number | undefined;
    return {
      push: (id) => {
        const text = this.#textOf(id);
        if (skipSpecial && id < this.#firstWord) return "";
        const spaced = last !== undefined && this.#isSpaced(last, id);
        last = id;
        return spaced ? ` ${text}` : text;
      },
      flush: () => {
        last = undefined;
        return "";
      },
    };
  }

  /** The distinct words of `text` that encode to `<unk>`, in the order in which they first appear. */
  unknownWords(text: string): string[] {
    const unknown = new Set<string>();
    const look = (part: string): void => {
      this.#forEachWord(part, (word, id) => {
        if (id === UNKNOWN_ID) unknown.add(word);
      });
    };
    this.#added.split(text.toWellFormed(), true, look, () => {});
    return [...unknown];
  }

  toJSON(): object {
    const specialTokens = this.#tokens.slice(1, this.#firstWord);
    return {
      kind: this.kind,
      lowercase: this.lowercase,
      specialTokens,
      words: this.#tokens.slice(this.#firstWord),
    };
  }

  #forEachWord(text: string, visit: (word: string, id: number) => void): void {
    forEachPiece(text, this.#preTokenizer, (start, end) => {
      const piece = text.slice(start, end);
      if (STARTS_WITH_SPACE.test(piece)) return true;
      const word = normalized(piece, this.lowercase);
      const id = this.#ids.get(word);
      // A special token's name may be a word, but is one only where the special tokens were looked for.
      visit(word, id !== undefined && id >= this.#firstWord ? id : UNKNOWN_ID);
      return true;
    });
  }

  #isSpaced(before: number, after: number): boolean {
    const isSpecial = (id: number): boolean => id !== UNKNOWN_ID && id < this.#firstWord;
    return isSpecial(before) || isSpecial(after) || isSpaced(this.#textOf(before), this.#textOf(after));
  }

  #textOf(id: number): string {
    const token = this.#tokens[id];
    if (token === undefined)
      throw new ConfigError(`expected a token id from 0 to ${this.vocabSize - 1}, got ${id}`);
    return id === UNKNOWN_ID ? REPLACEMENT : token;
  }
}

function normalized(word: string, lowercase: boolean): string {
  return lowercase ? word.toLowerCase() : word;
}

/** JavaScript's own order is that of UTF-16's units. */
function compareCodePoints(a: string, b: string): number {
  for (let i = 0; ; i++) {
    const x = a.codePointAt(i) ?? -1;
    const y = b.codePointAt(i) ?? -1;
    if (x !== y || x === -1) return x - y;
  }
}
