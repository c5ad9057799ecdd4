/** What both forms of byte-pair encoding share: everything but a piece's first symbols, and the way back to text. */
import { ConfigError } from "../../errors.ts";
import type { BPEDescription } from "../../formats/bpe-description.ts";
import { writeTokenizerJSON } from "../../formats/tokenizer-json.ts";
import { AddedTokens } from "../added-tokens.ts";
import { createPreTokenizer, forEachPiece, type PreTokenizer } from "../pre-tokenizer.ts";
import type { DecodeOptions, EncodeOptions, StreamingDecoder, Tokenizer } from "../tokenizer.ts";
import { Int32List } from "./growable.ts";
import { MergeTable } from "./merge-table.ts";
import { PieceEncoder } from "./piece-encoder.ts";

export abstract class BPETokenizer implements Tokenizer {
  abstract readonly kind: string;
  readonly description: BPEDescription;
  protected readonly ids: ReadonlyMap<string, number>;
  readonly #added: AddedTokens;
  readonly #specialIds: ReadonlySet<number>;
  readonly #preTokenizer: PreTokenizer;
  readonly #encoder: PieceEncoder;

  /** @throws ConfigError if the pattern's syntax isn't known. */
  constructor(description: BPEDescription) {
    this.description = description;
    this.ids = new Map(description.tokens.map((token, id) => [token, id]));
    this.#added = new AddedTokens(description.addedTokens);
    this.#specialIds = new Set(this.#added.special.values());
    this.#preTokenizer = createPreTokenizer(description.pattern);
    // Text alone must not become a special token, which merges may spell.
    const merges = new MergeTable(description.merges, this.#specialIds);
    this.#encoder = new PieceEncoder(merges, this.firstSymbols.bind(this));
  }

  /**
   * Writes the symbols of the piece `text[start … end - 1]` before any merge to `symbols`, which has room for three
   * for each code unit; returns how many.
   */
  protected abstract firstSymbols(text: string, start: number, end: number, symbols: Int32Array): number;

  abstract createDecoder(options?: DecodeOptions): StreamingDecoder;

  get vocabSize(): number {
    return this.description.tokens.length;
  }

  get specialTokens(): ReadonlyMap<string, number> {
    return this.#added.special;
  }

  encode(text: string, { parseSpecial = true }: EncodeOptions = {}): Int32Array {
    const { normalization, addPrefixSpace } = this.description;
    const ids = new Int32List();
    const encodeText = (part: string): void => {
      const normal = normalization ? part.normalize(normalization) : part;
      const pieces = addPrefixSpace && !normal.startsWith(" ") ? ` ${normal}` : normal;
      forEachPiece(pieces, this.#preTokenizer, (start, end) => {
        this.#encoder.encode(pieces, start, end, ids);
        return true;
      });
    };
    this.#added.split(text.toWellFormed(), parseSpecial, encodeText, (id) => ids.push(id));
    return ids.toArray();
  }

  decode(ids: Iterable<number>, options?: DecodeOptions): string {
    const decoder = this.createDecoder(options);
    let text = "";
    for (const id of ids) text += decoder.push(id);
    return text + decoder.flush();
  }

  /** As tokenizer.json writes it: byte-level in GPT-2's byte alphabet, where `" the"` is `"Ġthe"`. */
  idToToken(id: number): string | undefined {
    return this.description.tokens[id];
  }

  tokenToId(token: string): number | undefined {
    return this.ids.get(token);
  }

  /** The tokenizer as Hugging Face's tokenizer.json. */
  toJSON(): object {
    return writeTokenizerJSON(this.description);
  }

  protected isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /** @throws ConfigError for an id outside `0 … vocabSize - 1`. */
  protected checkId(id: number): void {
    if (this.description.tokens[id] === undefined) {
      throw new ConfigError(`expected a token id from 0 to ${this.vocabSize - 1}, got ${id}`);
    }
  }
}
