/** Encodes pieces one by one, and remembers the ids of those that it has seen. */
import { grown, type Int32List } from "./growable.ts";
import type { MergeTable } from "./merge-table.ts";
import { PieceTable } from "./piece-table.ts";

/** How many pieces are remembered; then all are forgotten. Long ones hardly come again, and are not remembered. */
const REMEMBERED = 1 << 16;
const LONGEST_REMEMBERED = 64;

/** The most symbols that a code unit becomes: bytes of UTF-8. */
const SYMBOLS_PER_UNIT = 3;

/** Writes the symbols of the piece `text[start … end - 1]` before any merge to `symbols`; returns how many. */
export type FirstSymbols = (text: string, start: number, end: number, symbols: Int32Array) => number;

export class PieceEncoder {
  readonly #merges: MergeTable;
  readonly #firstSymbols: FirstSymbols;
  readonly #pieces = new PieceTable();
  /** The ids of piece i are `known[starts[i] … starts[i + 1] - 1]`. */
  #known = new Int32Array(1 << 12);
  #starts = new Int32Array(1 << 10);
  #symbols = new Int32Array(1 << 8);

  constructor(merges: MergeTable, firstSymbols: FirstSymbols) {
    this.#merges = merges;
    this.#firstSymbols = firstSymbols;
  }

  /** Adds the ids of the piece `text[start … end - 1]` to `ids`. */
  encode(text: string, start: number, end: number, ids: Int32List): void {
    if (end - start > LONGEST_REMEMBERED) {
      const count = this.#merge(text, start, end);
      ids.append(this.#symbols, 0, count);
      return;
    }
    const known = this.#pieces.size;
    const piece = this.#pieces.numberOf(text, start, end);
    if (piece === known) this.#remember(piece, this.#merge(text, start, end));
    ids.append(this.#known, this.#starts[piece], this.#starts[piece + 1]);
    if (this.#pieces.size === REMEMBERED) this.#pieces.clear();
  }

  #merge(text: string, start: number, end: number): number {
    this.#symbols = grown(this.#symbols, SYMBOLS_PER_UNIT * (end - start));
    return this.#merges.apply(this.#symbols, this.#firstSymbols(text, start, end, this.#symbols));
  }

  #remember(piece: number, count: number): void {
    const from = this.#starts[piece];
    this.#starts = grown(this.#starts, piece + 2);
    this.#starts[piece + 1] = from + count;
    this.#known = grown(this.#known, from + count);
    for (let i = 0; i < count; i++) this.#known[from + i] = this.#symbols[i];
  }
}
