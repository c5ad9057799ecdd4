/**
 * Byte-pair encoding over characters (Sennrich et al. 2016): a text is the words between its white space, a word its
 * characters, the last of which carries the mark of a word's end. What white space it was is not kept: decoding puts
 * one space between words. Characters that the training text did not have become the unknown token; without one they
 * are left out.
 */
import { ConfigError } from "../errors.ts";
import type { BPEDescription } from "../formats/bpe-description.ts";
import { writeTokenizerJSON } from "../formats/tokenizer-json.ts";
import { AddedTokens } from "./added-tokens.ts";
import { Int32List } from "./bpe/growable.ts";
import { MergeTable } from "./bpe/merge-table.ts";
import { PieceEncoder } from "./bpe/piece-encoder.ts";
import type { CountedWords } from "./bpe/train.ts";
import { type BPETrainingOptions, checkTrainingOptions, countPieces, learnMerges } from "./bpe/training.ts";
import { createPreTokenizer, forEachPiece, PATTERNS, type PreTokenizer } from "./pre-tokenizer.ts";
import type { TextSource } from "./text-source.ts";
import type { DecodeOptions, EncodeOptions, StreamingDecoder, Tokenizer } from "./tokenizer.ts";

const END_OF_WORD = "</w>";
const UNKNOWN = "<unk>";

export class CharacterBPETokenizer implements Tokenizer {
  readonly kind = "character-bpe";
  readonly description: BPEDescription;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #added: AddedTokens;
  readonly #specialIds: ReadonlySet<number>;
  readonly #preTokenizer: PreTokenizer;
  readonly #suffix: string;
  readonly #unknownId: number | undefined;
  readonly #encoder: PieceEncoder;

  constructor(description: BPEDescription) {
    this.description = description;
    const { endOfWordSuffix = END_OF_WORD, unknownToken } = description;
    this.#ids = new Map(description.tokens.map((token, id) => [token, id]));
    this.#added = new AddedTokens(description.addedTokens);
    this.#specialIds = new Set(this.#added.special.values());
    this.#preTokenizer = createPreTokenizer(description.pattern);
    this.#suffix = endOfWordSuffix;
    this.#unknownId = unknownToken === undefined ? undefined : this.#ids.get(unknownToken);
    this.#encoder = new PieceEncoder(new MergeTable(description.merges), this.#firstSymbols.bind(this));
  }

  /**
   * Learns a vocabulary from texts: `<unk>`, the special tokens, the characters in the order of their code points,
   * those among them that end words with the mark, and what merges make.
   * @throws ConfigError for an option out of range, or a vocabulary that the characters alone overflow; FormatError
   *   for a stream that is not UTF-8.
   */
  static async train(source: TextSource, options: BPETrainingOptions): Promise<CharacterBPETokenizer> {
    checkTrainingOptions(options);
    const { specialTokens = [], vocabSize } = options;
    const special = [UNKNOWN, ...specialTokens.filter((token) => token !== UNKNOWN)];
    const { pieces, counts } = await countWords(source, options);
    const characters = new Set<string>();
    const last = new Set<string>();
    for (const piece of pieces) {
      const word = [...piece];
      for (const character of word) characters.add(character);
      last.add(word[word.length - 1] + END_OF_WORD);
    }
    const tokens = [...new Set([...special, ...sorted(characters), ...sorted(last)])];
    if (vocabSize < tokens.length) {
      throw new ConfigError(
        `vocabSize: expected at least ${tokens.length}, for the texts' ${characters.size} characters, ` +
          `${last.size} of them also at the end of words, and ${special.length} special tokens, got ${vocabSize}`,
      );
    }
    const ids = new Map(tokens.map((token, id) => [token, id]));
    const merges = await learnMerges(tokens, { ...symbolsOf(pieces, ids), counts }, options);
    return new CharacterBPETokenizer({
      form: "character",
      tokens,
      addedTokens: special.map((content, id) => ({ id, content, special: true })),
      merges,
      wholePieces: false,
      pattern: PATTERNS.whitespace,
      addPrefixSpace: false,
      endOfWordSuffix: END_OF_WORD,
      unknownToken: UNKNOWN,
    });
  }

  get vocabSize(): number {
    return this.description.tokens.length;
  }

  get specialTokens(): ReadonlyMap<string, number> {
    return this.#added.special;
  }

  encode(text: string, { parseSpecial = true }: EncodeOptions = {}): Int32Array {
    const { normalization } = this.description;
    const ids = new Int32List();
    const encodeText = (part: string): void => {
      const normal = normalization ? part.normalize(normalization) : part;
      forEachPiece(normal, this.#preTokenizer, (start, end) => {
        if (!isWhiteSpace(normal, start)) this.#encoder.encode(normal, start, end, ids);
        return true;
      });
    };
    this.#added.split(text.toWellFormed(), parseSpecial, encodeText, (id) => ids.push(id));
    return ids.toArray();
  }

  /** Words with one space between them. Throws a ConfigError for an id outside `0 … vocabSize - 1`. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string {
    const decoder = this.createDecoder(options);
    let text = "";
    for (const id of ids) text += decoder.push(id);
    return text + decoder.flush();
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.description.tokens[id];
  }

  /** The space after a word comes with the next token. */
  createDecoder({ skipSpecial = false }: DecodeOptions = {}): StreamingDecoder {
    let space = "";
    return {
      push: (id) => {
        const token = this.description.tokens[id];
        if (token === undefined) {
          throw new ConfigError(`expected a token id from 0 to ${this.vocabSize - 1}, got ${id}`);
        }
        if (this.#specialIds.has(id)) {
          if (skipSpecial) return "";
          const text = space + token;
          space = "";
          return text;
        }
        const endsWord = token.endsWith(this.#suffix);
        const text = space + (endsWord ? token.slice(0, -this.#suffix.length) : token);
        space = endsWord ? " " : "";
        return text;
      },
      flush: () => {
        space = "";
        return "";
      },
    };
  }

  /** The tokenizer as Hugging Face's tokenizer.json. */
  toJSON(): object {
    return writeTokenizerJSON(this.description);
  }

  #firstSymbols(text: string, start: number, end: number, symbols: Int32Array): number {
    const word = [...text.slice(start, end)];
    word[word.length - 1] += this.#suffix;
    let count = 0;
    for (const character of word) {
      const id = this.#ids.get(character) ?? this.#unknownId;
      if (id !== undefined) symbols[count++] = id;
    }
    return count;
  }
}

function isWhiteSpace(text: string, at: number): boolean {
  return /^\p{White_Space}/u.test(text[at]);
}

/** What countPieces counts, without the white space. */
async function countWords(source: TextSource, options: BPETrainingOptions): ReturnType<typeof countPieces> {
  const { pieces, counts } = await countPieces(source, PATTERNS.whitespace, options);
  const isWord = (i: number): boolean => !isWhiteSpace(pieces[i], 0);
  return {
    pieces: pieces.filter((_, i) => isWord(i)),
    counts: counts.filter((_, i) => i < pieces.length && isWord(i)),
  };
}

function sorted(tokens: ReadonlySet<string>): string[] {
  return [...tokens].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
}

/** The first symbols of each word: its characters, the last with the mark. */
function symbolsOf(words: readonly string[], ids: ReadonlyMap<string, number>): Omit<CountedWords, "counts"> {
  const symbols = new Int32List();
  const starts = new Int32Array(words.length + 1);
  for (const [i, word] of words.entries()) {
    const characters = [...word];
    characters[characters.length - 1] += END_OF_WORD;
    for (const character of characters) symbols.push(ids.get(character)!);
    starts[i + 1] = symbols.length;
  }
  return { symbols: symbols.toArray(), starts };
}
