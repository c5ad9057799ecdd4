/**
 * The merges of a byte-pair encoder, and their application to the symbols of one piece: as long as there is a pair
 * with a merge, the pair whose merge has the lowest rank, the leftmost of them, becomes one symbol (Sennrich et al.
 * 2016, Algorithm 1). Time O(n log n) for n symbols, whatever they are.
 */
import { MERGE_FIELDS } from "../../formats/bpe-description.ts";
import { grown } from "./growable.ts";

const NONE = -1;
/** Heap keys are rank · POSITIONS + position: exact in a double, ordered by rank, then from left to right. */
const POSITIONS = 2 ** 31;

export class MergeTable {
  /** Open addressing: left, right, merged, rank in each slot; left is NONE where it is free. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  /** Of the piece at hand: the rank of the pair that begins at each symbol, and the symbols before and after it. */
  #ranks = new Int32Array(64);
  #merged = new Int32Array(64);
  #before = new Int32Array(64);
  #after = new Int32Array(64);
  #heap = new Float64Array(256);
  #heapSize = 0;

  /** `merges`: as in BPEDescription, but for those into `except`. Of two merges of one pair, the first counts. */
  constructor(merges: Int32Array, except: ReadonlySet<number> = new Set()) {
    const count = merges.length / MERGE_FIELDS;
    let capacity = 16;
    while (capacity < 2 * count) capacity *= 2;
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(capacity * MERGE_FIELDS).fill(NONE);
    for (let i = 0; i < merges.length; i += MERGE_FIELDS) {
      if (except.has(merges[i + 2])) continue;
      const at = this.#find(merges[i], merges[i + 1]);
      if (this.#slots[at] === NONE) this.#slots.set(merges.subarray(i, i + MERGE_FIELDS), at);
    }
  }

  /** Merges `symbols[0 … count - 1]` in place and returns how many are left. */
  apply(symbols: Int32Array, count: number): number {
    this.#ranks = grown(this.#ranks, count);
    this.#merged = grown(this.#merged, count);
    this.#before = grown(this.#before, count);
    this.#after = grown(this.#after, count);
    const [ranks, merged, before, after] = [this.#ranks, this.#merged, this.#before, this.#after];
    this.#heapSize = 0;
    for (let i = 0; i < count; i++) {
      before[i] = i - 1;
      after[i] = i + 1;
      this.#look(symbols, i, count);
    }
    while (this.#heapSize > 0) {
      const key = this.#pop();
      const rank = Math.floor(key / POSITIONS);
      const i = key - rank * POSITIONS;
      // A merge beside it, or of it, has changed the pair since.
      if (ranks[i] !== rank) continue;
      const gone = after[i];
      symbols[i] = merged[i];
      ranks[gone] = NONE;
      after[i] = after[gone];
      if (after[i] < count) before[after[i]] = i;
      this.#look(symbols, i, count);
      if (before[i] >= 0) this.#look(symbols, before[i], count);
    }
    let left = 0;
    for (let i = 0; i < count; i = after[i]) symbols[left++] = symbols[i];
    return left;
  }

  /** Notes the pair that begins at symbol i, if it has a merge. */
  #look(symbols: Int32Array, i: number, count: number): void {
    this.#ranks[i] = NONE;
    const next = this.#after[i];
    if (next >= count) return;
    const at = this.#find(symbols[i], symbols[next]);
    if (this.#slots[at] === NONE) return;
    this.#merged[i] = this.#slots[at + 2];
    this.#ranks[i] = this.#slots[at + 3];
    this.#push(this.#ranks[i] * POSITIONS + i);
  }

  /** Where the pair's slot begins, or a free one. */
  #find(left: number, right: number): number {
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (;;) {
      const at = slot * MERGE_FIELDS;
      const found = this.#slots[at];
      if (found === NONE || (found === left && this.#slots[at + 1] === right)) return at;
      slot = (slot + 1) & this.#mask;
    }
  }

  #push(key: number): void {
    this.#heap = grown(this.#heap, this.#heapSize + 1);
    const heap = this.#heap;
    let i = this.#heapSize++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent] <= key) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = key;
  }

  #pop(): number {
    const heap = this.#heap;
    const top = heap[0];
    const size = --this.#heapSize;
    const last = heap[size];
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= last) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
