/**
 * Byte-pair encoding over the bytes of UTF-8 (Sennrich et al. 2016; over bytes, Radford et al. 2019). Every text has
 * ids, and they give the text back: nothing is unknown. Text is cut into pieces by a pattern, and no token crosses
 * the end of one. No dropout of merges, nothing added around a text.
 */
import { ConfigError } from "../errors.ts";
import type { BPEDescription } from "../formats/bpe-description.ts";
import { byteToCharacter, characterToByte } from "../formats/byte-alphabet.ts";
import { patternSource } from "../formats/patterns.ts";
import { Int32List } from "./bpe/growable.ts";
import { BPETokenizer } from "./bpe/tokenizer.ts";
import type { CountedWords } from "./bpe/train.ts";
import { type BPETrainingOptions, checkTrainingOptions, countPieces, learnMerges } from "./bpe/training.ts";
import { createPreTokenizer } from "./pre-tokenizer.ts";
import type { TextSource } from "./text-source.ts";
import type { DecodeOptions, StreamingDecoder } from "./tokenizer.ts";

export interface ByteLevelBPEOptions extends BPETrainingOptions {
  /**
   * How text is cut into pieces: `"gpt2"` (default), `"cl100k"`, or a regular expression's source, in the syntax of
   * Hugging Face's files.
   */
  pattern?: string;
}

export class ByteLevelBPETokenizer extends BPETokenizer {
  readonly kind = "byte-level-bpe";
  readonly #byteIds: Int32Array;
  /** Token i is `bytes[starts[i] … starts[i + 1] - 1]`. */
  readonly #bytes: Uint8Array;
  readonly #starts: Int32Array;

  /** @throws ConfigError if the pattern's syntax isn't known. */
  constructor(description: BPEDescription) {
    super(description);
    this.#byteIds = Int32Array.from(byteToCharacter, (character) => this.ids.get(character)!);
    [this.#bytes, this.#starts] = bytesOf(description);
  }

  /**
   * Learns a vocabulary from texts; the same as Hugging Face's BpeTrainer does from the same texts.
   * @throws ConfigError for an option out of range; FormatError for a stream that is not UTF-8.
   */
  static async train(source: TextSource, options: ByteLevelBPEOptions): Promise<ByteLevelBPETokenizer> {
    checkTrainingOptions(options);
    const { specialTokens = [], vocabSize } = options;
    const pattern = patternSource(options.pattern ?? "gpt2");
    const alphabet = [...byteToCharacter].sort();
    // It would have the byte's id, so that even text which is not to be searched for special tokens has it.
    const byte = specialTokens.find((token) => alphabet.includes(token));
    if (byte !== undefined) {
      throw new ConfigError(
        `specialTokens: ${JSON.stringify(byte)} is what the tokenizer calls a byte: choose a longer one`,
      );
    }
    const tokens = [...new Set([...specialTokens, ...alphabet])];
    if (vocabSize < tokens.length) {
      const special = specialTokens.length > 0 ? ` and ${specialTokens.length} special tokens` : "";
      throw new ConfigError(
        `vocabSize: expected at least ${tokens.length}, for 256 bytes${special}, got ${vocabSize}`,
      );
    }
    const { pieces, counts } = await countPieces(source, createPreTokenizer(pattern), options);
    const idOf = Int32Array.from(byteToCharacter, (character) => tokens.indexOf(character));
    const merges = await learnMerges(tokens, { ...symbolsOf(pieces, idOf), counts }, options);
    return new ByteLevelBPETokenizer({
      form: "byte-level",
      tokens,
      addedTokens: specialTokens.map((content, id) => ({ id, content, special: true })),
      merges,
      wholePieces: false,
      pattern,
      addPrefixSpace: false,
    });
  }

  /** The bytes of a token, which need not be whole characters. Throws a ConfigError for an id out of range. */
  tokenBytes(id: number): Uint8Array {
    this.checkId(id);
    return this.#bytes.subarray(this.#starts[id], this.#starts[id + 1]);
  }

  /** Holds bytes back until they are a whole character; bytes that are no UTF-8 become U+FFFD. */
  createDecoder({ skipSpecial = false }: DecodeOptions = {}): StreamingDecoder {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return {
      push: (id) => {
        const bytes = this.tokenBytes(id);
        return skipSpecial && this.isSpecial(id) ? "" : decoder.decode(bytes, { stream: true });
      },
      flush: () => decoder.decode(),
    };
  }

  protected firstSymbols(text: string, start: number, end: number, symbols: Int32Array): number {
    const count = writeUTF8(text, start, end, symbols);
    if (this.description.wholePieces) {
      const whole = this.ids.get(spell(symbols, count));
      if (whole !== undefined && !this.isSpecial(whole)) {
        symbols[0] = whole;
        return 1;
      }
    }
    for (let i = 0; i < count; i++) symbols[i] = this.#byteIds[symbols[i]];
    return count;
  }
}

const utf8 = new TextEncoder();

/** The bytes of `text[start … end - 1]`; returns how many. */
function writeUTF8(text: string, start: number, end: number, bytes: Int32Array): number {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) {
      const encoded = utf8.encode(text.slice(start, end));
      bytes.set(encoded);
      return encoded.length;
    }
    bytes[i - start] = unit;
  }
  return end - start;
}

/** The bytes in the byte alphabet. */
function spell(bytes: Int32Array, count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += byteToCharacter[bytes[i]];
  return text;
}

/** The first symbols of each piece: its bytes. */
function symbolsOf(pieces: readonly string[], byteIds: Int32Array): Omit<CountedWords, "counts"> {
  const symbols = new Int32List();
  const starts = new Int32Array(pieces.length + 1);
  for (const [i, piece] of pieces.entries()) {
    for (const byte of utf8.encode(piece)) symbols.push(byteIds[byte]);
    starts[i + 1] = symbols.length;
  }
  return { symbols: symbols.toArray(), starts };
}

function bytesOf(description: BPEDescription): [bytes: Uint8Array, starts: Int32Array] {
  const added = new Set(description.addedTokens.map(({ id }) => id));
  const bytes: number[] = [];
  const starts = [0];
  for (const [id, token] of description.tokens.entries()) {
    if (added.has(id)) for (const byte of utf8.encode(token)) bytes.push(byte);
    else for (let i = 0; i < token.length; i++) bytes.push(characterToByte[token.charCodeAt(i)]);
    starts.push(bytes.length);
  }
  return [Uint8Array.from(bytes), Int32Array.from(starts)];
}
