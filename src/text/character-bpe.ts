/**
 * Byte-pair encoding over characters (Sennrich et al. 2016): a text is the words between its white space, a word its
 * characters, the last of which carries the mark of a word's end. What white space it was is not kept: decoding puts
 * one space between words. Characters that the training text did not have become the unknown token; without one they
 * are left out.
 */
import { ConfigError } from "../errors.ts";
import type { BPEDescription } from "../formats/bpe-description.ts";
import { PATTERNS } from "../formats/patterns.ts";
import { Int32List } from "./bpe/growable.ts";
import { BPETokenizer } from "./bpe/tokenizer.ts";
import type { CountedWords } from "./bpe/train.ts";
import { type BPETrainingOptions, checkTrainingOptions, countPieces, learnMerges } from "./bpe/training.ts";
import { scanWhiteSpace } from "./scanners.ts";
import type { TextSource } from "./text-source.ts";
import type { DecodeOptions, StreamingDecoder } from "./tokenizer.ts";
import { STARTS_WITH_SPACE } from "./words.ts";

const END_OF_WORD = "</w>";
const UNKNOWN = "<unk>";

export class CharacterBPETokenizer extends BPETokenizer {
  readonly kind = "character-bpe";
  readonly #suffix: string;
  readonly #unknownId: number | undefined;

  constructor(description: BPEDescription) {
    super(description);
    const { endOfWordSuffix = END_OF_WORD, unknownToken } = description;
    this.#suffix = endOfWordSuffix;
    this.#unknownId = unknownToken === undefined ? undefined : this.ids.get(unknownToken);
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
    const { pieces, counts } = await countPieces(source, scanWhiteSpace, options);
    const characters = new Set<string>();
    const last = new Set<string>();
    for (const piece of pieces) {
      const word = charactersOf(piece, END_OF_WORD);
      if (word.length === 0) continue;
      for (const character of piece) characters.add(character);
      last.add(word[word.length - 1]);
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

  /** The space after a word comes with the next token. */
  createDecoder({ skipSpecial = false }: DecodeOptions = {}): StreamingDecoder {
    let space = "";
    return {
      push: (id) => {
        this.checkId(id);
        const token = this.description.tokens[id];
        if (this.isSpecial(id)) {
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

  protected firstSymbols(text: string, start: number, end: number, symbols: Int32Array): number {
    let count = 0;
    for (const character of charactersOf(text.slice(start, end), this.#suffix)) {
      const known = this.ids.get(character);
      const id = known === undefined || this.isSpecial(known) ? this.#unknownId : known;
      if (id !== undefined) symbols[count++] = id;
    }
    return count;
  }
}

/** The characters of a word, the last with the mark; white space has none. */
function charactersOf(piece: string, suffix: string): string[] {
  if (STARTS_WITH_SPACE.test(piece)) return [];
  const characters = [...piece];
  characters[characters.length - 1] += suffix;
  return characters;
}

function sorted(tokens: ReadonlySet<string>): string[] {
  return [...tokens].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
}

/** The first symbols of each piece: its characters. */
function symbolsOf(
  pieces: readonly string[],
  ids: ReadonlyMap<string, number>,
): Omit<CountedWords, "counts"> {
  const symbols = new Int32List();
  const starts = new Int32Array(pieces.length + 1);
  for (const [i, piece] of pieces.entries()) {
    for (const character of charactersOf(piece, END_OF_WORD)) symbols.push(ids.get(character)!);
    starts[i + 1] = symbols.length;
  }
  return { symbols: symbols.toArray(), starts };
}
