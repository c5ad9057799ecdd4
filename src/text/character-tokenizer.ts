/**
 * One id per Unicode code point. Id 0 is `<unk>`, which stands for every character that the training text did
 * not have. No merging of characters, no normalisation: é as one code point and as two are different texts.
 */
import { ConfigError, FormatError } from "../errors.ts";
import type { StreamingDecoder, Tokenizer } from "./tokenizer.ts";

const UNKNOWN = "<unk>";
const UNKNOWN_ID = 0;
const REPLACEMENT = 0xfffd;

export class CharacterTokenizer implements Tokenizer {
  readonly kind = "character";
  readonly #tokens: readonly string[];
  readonly #ids = new Map<number, number>();

  /** `codePoints`: distinct, no surrogates; the ids 1, 2, … in this order. */
  private constructor(codePoints: readonly number[]) {
    codePoints.forEach((codePoint, i) => {
      this.#ids.set(codePoint, i + 1);
    });
    this.#tokens = [UNKNOWN, ...codePoints.map((codePoint) => String.fromCodePoint(codePoint))];
  }

  /** The vocabulary is `<unk>` and every character of `text`, sorted by code point. */
  static train(text: string): CharacterTokenizer {
    return new CharacterTokenizer([...new Set(codePointsOf(text))].sort((a, b) => a - b));
  }

  /**
   * Reads `{ characters }`: a string of distinct characters, whose ids are 1, 2, … in its order.
   * @throws FormatError where that is not so.
   */
  static fromJSON(json: object): CharacterTokenizer {
    const { characters } = json as { characters?: unknown };
    if (typeof characters !== "string") {
      throw new FormatError(`character tokenizer: characters: expected a string, got ${typeof characters}`);
    }
    const seen = new Set<number>();
    for (const character of characters) {
      const codePoint = character.codePointAt(0)!;
      const where = `character tokenizer: characters: number ${seen.size}`;
      if (isSurrogate(codePoint)) throw new FormatError(`${where} is half a character (a lone surrogate)`);
      if (seen.has(codePoint)) {
        throw new FormatError(
          `${where}, ${JSON.stringify(character)}, was there already; expected distinct ones`,
        );
      }
      seen.add(codePoint);
    }
    return new CharacterTokenizer([...seen]);
  }

  get vocabSize(): number {
    return this.#tokens.length;
  }

  /** One id per code point; characters outside the vocabulary become `<unk>`, id 0. */
  encode(text: string): Int32Array {
    const ids = new Int32Array(text.length);
    let count = 0;
    for (const codePoint of codePointsOf(text)) ids[count++] = this.#ids.get(codePoint) ?? UNKNOWN_ID;
    return ids.slice(0, count);
  }

  /** `<unk>` becomes U+FFFD. Throws a ConfigError for an id outside `0 … vocabSize - 1`. */
  decode(ids: Iterable<number>): string {
    let text = "";
    for (const id of ids) text += this.#textOf(id);
    return text;
  }

  tokenToId(token: string): number | undefined {
    if (token === UNKNOWN) return UNKNOWN_ID;
    const codePoint = token.codePointAt(0);
    if (codePoint === undefined || token !== String.fromCodePoint(codePoint)) return undefined;
    return this.#ids.get(codePoint);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }

  /** Nothing is ever held back: an id is a whole character. */
  createDecoder(): StreamingDecoder {
    return { push: (id) => this.#textOf(id), flush: () => "" };
  }

  /** The distinct characters of `text` that encode to `<unk>`, in the order in which they first appear. */
  unknownCharacters(text: string): string[] {
    const unknown = new Set<number>();
    for (const codePoint of codePointsOf(text)) if (!this.#ids.has(codePoint)) unknown.add(codePoint);
    return [...unknown].map((codePoint) => String.fromCodePoint(codePoint));
  }

  toJSON(): { kind: string; characters: string } {
    return { kind: this.kind, characters: this.#tokens.slice(1).join("") };
  }

  #textOf(id: number): string {
    const token = this.#tokens[id];
    if (token === undefined)
      throw new ConfigError(`expected a token id from 0 to ${this.vocabSize - 1}, got ${id}`);
    return id === UNKNOWN_ID ? String.fromCharCode(REPLACEMENT) : token;
  }
}

/** A string's iterator passes lone surrogates through; here they become U+FFFD. */
function* codePointsOf(text: string): Generator<number> {
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    yield isSurrogate(codePoint) ? REPLACEMENT : codePoint;
  }
}

function isSurrogate(codePoint: number): boolean {
  return codePoint >= 0xd800 && codePoint <= 0xdfff;
}
