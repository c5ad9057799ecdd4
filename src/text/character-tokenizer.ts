/**
 * One id per Unicode code point. Id 0 is `<unk>`, which stands for every character that the training text did
 * not have; then come the special tokens, then the characters. No merging of characters, no normalisation: é as one code point and as two are different texts.
 */
import { ConfigError, FormatError } from "../errors.ts";
import type { AddedTokens } from "./added-tokens.ts";
import type { DecodeOptions, EncodeOptions, StreamingDecoder, Tokenizer } from "./tokenizer.ts";
import {
  checkSpecialTokens,
  REPLACEMENT,
  readSpecialTokens,
  specialTokensWithUnknown,
  UNKNOWN,
  UNKNOWN_ID,
} from "./unknown.ts";

export interface CharacterOptions {
  /** They get the ids from 1. A text is not searched for them while training. Default none. */
  specialTokens?: readonly string[];
}

export class CharacterTokenizer implements Tokenizer {
  readonly kind = "character";
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly #tokens: readonly string[];
  readonly #ids = new Map<number, number>();
  readonly #added: AddedTokens;
  readonly #firstCharacter: number;

  /** `codePoints`: distinct, no surrogates; the last ids, in this order. */
  private constructor(codePoints: readonly number[], specialTokens: readonly string[]) {
    this.#firstCharacter = 1 + specialTokens.length;
    for (const [i, codePoint] of codePoints.entries()) this.#ids.set(codePoint, this.#firstCharacter + i);
    const characters = codePoints.map((codePoint) => String.fromCodePoint(codePoint));
    this.#tokens = [UNKNOWN, ...specialTokens, ...characters];
    [this.specialTokens, this.#added] = specialTokensWithUnknown(specialTokens);
  }

  /**
   * The vocabulary is `<unk>`, the special tokens and every character of `text`, sorted by code point.
   * @throws ConfigError for special tokens that are not distinct strings.
   */
  static train(text: string, { specialTokens = [] }: CharacterOptions = {}): CharacterTokenizer {
    checkSpecialTokens(specialTokens);
    const codePoints = new Set(codePointsOf(text.toWellFormed()));
    for (const token of specialTokens) if (isOneCharacter(token)) codePoints.delete(token.codePointAt(0)!);
    return new CharacterTokenizer(
      [...codePoints].sort((a, b) => a - b),
      specialTokens,
    );
  }

  /**
   * Reads `{ characters, specialTokens }`: a string of distinct characters, and names, which may be left out. Ids
   * are 1, 2, … in the order of first the special tokens, then the characters.
   * @throws FormatError where that is not so.
   */
  static fromJSON(json: object): CharacterTokenizer {
    const { characters } = json as { characters?: unknown };
    if (typeof characters !== "string") {
      throw new FormatError(`character tokenizer: characters: expected a string, got ${typeof characters}`);
    }
    const specialTokens = readSpecialTokens(json, "character tokenizer");
    const special = new Set(specialTokens);
    const seen = new Set<number>();
    for (const character of characters) {
      const codePoint = character.codePointAt(0)!;
      const where = `character tokenizer: characters: number ${seen.size}`;
      if (!character.isWellFormed()) throw new FormatError(`${where} is half a character (a lone surrogate)`);
      if (seen.has(codePoint) || special.has(character)) {
        throw new FormatError(
          `${where}, ${JSON.stringify(character)}, was there already; expected distinct ones`,
        );
      }
      seen.add(codePoint);
    }
    return new CharacterTokenizer([...seen], specialTokens);
  }

  get vocabSize(): number {
    return this.#tokens.length;
  }

  /** One id per code point; characters outside the vocabulary become `<unk>`, id 0. */
  encode(text: string, { parseSpecial = true }: EncodeOptions = {}): Int32Array {
    const ids = new Int32Array(text.length);
    let count = 0;
    const encodeText = (part: string): void => {
      for (const codePoint of codePointsOf(part)) ids[count++] = this.#ids.get(codePoint) ?? UNKNOWN_ID;
    };
    this.#added.split(text.toWellFormed(), parseSpecial, encodeText, (id) => {
      ids[count++] = id;
    });
    return ids.slice(0, count);
  }

  /** `<unk>` becomes U+FFFD. Throws a ConfigError for an id outside `0 … vocabSize - 1`. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string {
    const decoder = this.createDecoder(options);
    let text = "";
    for (const id of ids) text += decoder.push(id);
    return text;
  }

  tokenToId(token: string): number | undefined {
    const special = this.specialTokens.get(token);
    if (special !== undefined) return special;
    return isOneCharacter(token) ? this.#ids.get(token.codePointAt(0)!) : undefined;
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }

  /** Nothing is ever held back: an id is a whole character. */
  createDecoder({ skipSpecial = false }: DecodeOptions = {}): StreamingDecoder {
    return {
      push: (id) => {
        const text = this.#textOf(id);
        return skipSpecial && id < this.#firstCharacter ? "" : text;
      },
      flush: () => "",
    };
  }

  /** The distinct characters of `text` that encode to `<unk>`, in the order in which they first appear. */
  unknownCharacters(text: string): string[] {
    const unknown = new Set<number>();
    const look = (part: string): void => {
      for (const codePoint of codePointsOf(part)) if (!this.#ids.has(codePoint)) unknown.add(codePoint);
    };
    this.#added.split(text.toWellFormed(), true, look, () => {});
    return [...unknown].map((codePoint) => String.fromCodePoint(codePoint));
  }

  toJSON(): { kind: string; specialTokens?: readonly string[]; characters: string } {
    const specialTokens = this.#tokens.slice(1, this.#firstCharacter);
    const characters = this.#tokens.slice(this.#firstCharacter).join("");
    return { kind: this.kind, ...(specialTokens.length > 0 && { specialTokens }), characters };
  }

  #textOf(id: number): string {
    const token = this.#tokens[id];
    if (token === undefined)
      throw new ConfigError(`expected a token id from 0 to ${this.vocabSize - 1}, got ${id}`);
    return id === UNKNOWN_ID ? REPLACEMENT : token;
  }
}

function* codePointsOf(text: string): Generator<number> {
  for (const character of text) yield character.codePointAt(0)!;
}

function isOneCharacter(token: string): boolean {
  return [...token].length === 1;
}
