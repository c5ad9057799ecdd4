/**
 * Learns the merges of a byte-pair encoder from counted words (Sennrich et al. 2016, Algorithm 1): the pair of
 * neighbours that is most frequent becomes a symbol, until the vocabulary is full. Which of several most frequent
 * pairs comes first, and what counts, is as in Hugging Face's BpeTrainer, so that the merges are the same as its: the
 * pair whose left id is lowest, then whose right id is.
 *
 * Counts are kept up to date from one merge to the next, by a visit to the words that have the pair; a heap holds
 * the pairs by count. A count in the heap may be out of date: it is looked up when it comes to the top.
 */
import { MERGE_FIELDS } from "../../formats/bpe-description.ts";
import { grown } from "./growable.ts";

export interface CountedWords {
  /** The symbols of all words, one after the other. They are overwritten. */
  symbols: Int32Array;
  /** Word w is `symbols[starts[w] … starts[w + 1] - 1]`. */
  starts: Int32Array;
  counts: Float64Array;
}

export interface MergeLimits {
  /** Tokens in all, those given at the start included. */
  vocabSize: number;
  /** A pair that is rarer is not merged. */
  minFrequency: number;
  /** Merges give only tokens of fewer symbols than this, but pairs of the first symbols are always merged. */
  maxLength: number;
}

/**
 * Adds to `tokens` (special tokens and first symbols, by id) the tokens that merges make, and yields after each
 * merge how many tokens there are. Returns the merges, as in BPEDescription.
 */
export function* trainMerges(
  tokens: string[],
  { symbols, starts, counts }: CountedWords,
  { vocabSize, minFrequency, maxLength }: MergeLimits,
): Generator<number, Int32Array> {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  // How many of the first symbols a token is made of.
  const lengths: number[] = tokens.map(() => 1);
  const ends = starts.slice(1);
  const pairs = new PairCounts();
  const queue = new PairQueue(pairs);
  // What a merge found: the words that now have a pair which they hadn't before.
  const found = new Map<number, number[]>();
  const change = (left: number, right: number, by: number): number => {
    const pair = pairs.indexOf(left, right);
    pairs.counts[pair] += by;
    return pair;
  };
  const add = (left: number, right: number, word: number): void => {
    const pair = change(left, right, counts[word]);
    const words = found.get(pair);
    if (!words) found.set(pair, [word]);
    else if (words[words.length - 1] !== word) words.push(word);
  };
  const enqueueFound = (): void => {
    for (const [pair, words] of found) if (pairs.counts[pair] > 0) queue.push(pair, words);
    found.clear();
  };

  for (let word = 0; word < ends.length; word++) {
    for (let i = starts[word]; i + 1 < ends[word]; i++) add(symbols[i], symbols[i + 1], word);
  }
  enqueueFound();

  const merges = new Map<number, [merged: number, rank: number]>();
  let rank = 0;
  while (tokens.length < vocabSize) {
    const top = queue.pop();
    if (!top || top.count < minFrequency) break;
    const left = pairs.left[top.pair];
    const right = pairs.right[top.pair];
    const token = tokens[left] + tokens[right];
    let merged = ids.get(token);
    if (merged === undefined) {
      merged = tokens.length;
      tokens.push(token);
      ids.set(token, merged);
      lengths.push(lengths[left] + lengths[right]);
    }
    // A token that is reached on two ways can bring a pair back: then its rank is the later one.
    merges.delete(top.pair);
    merges.set(top.pair, [merged, rank++]);

    const length = lengths[left] + lengths[right];
    for (const word of top.words) {
      let to = starts[word];
      for (let i = to; i < ends[word]; i++) {
        if (symbols[i] !== left || i + 1 === ends[word] || symbols[i + 1] !== right) {
          symbols[to++] = symbols[i];
          continue;
        }
        if (to > starts[word]) {
          const before = symbols[to - 1];
          change(before, left, -counts[word]);
          if (lengths[before] + length < maxLength) add(before, merged, word);
        }
        symbols[to++] = merged;
        i++;
        if (i + 1 < ends[word]) {
          const after = symbols[i + 1];
          change(right, after, -counts[word]);
          if (lengths[after] + length < maxLength) add(merged, after, word);
        }
      }
      ends[word] = to;
    }
    enqueueFound();
    yield tokens.length;
  }

  const result = new Int32Array(merges.size * MERGE_FIELDS);
  let at = 0;
  for (const [pair, [merged]] of merges) {
    result.set([pairs.left[pair], pairs.right[pair], merged, at / MERGE_FIELDS], at);
    at += MERGE_FIELDS;
  }
  return result;
}

/** Numbers pairs 0, 1, 2, … and counts them: a hash table with open addressing. */
class PairCounts {
  size = 0;
  left = new Int32Array(1 << 12);
  right = new Int32Array(1 << 12);
  counts = new Float64Array(1 << 12);
  /** A pair's index + 1; 0 where it is free. */
  #slots = new Int32Array(1 << 14);

  indexOf(left: number, right: number): number {
    const slot = this.#find(left, right);
    if (this.#slots[slot] !== 0) return this.#slots[slot] - 1;
    const index = this.size++;
    this.left = grown(this.left, this.size);
    this.right = grown(this.right, this.size);
    this.counts = grown(this.counts, this.size);
    this.left[index] = left;
    this.right[index] = right;
    this.counts[index] = 0;
    this.#slots[slot] = this.size;
    if (2 * this.size > this.#slots.length) {
      this.#slots = new Int32Array(2 * this.#slots.length);
      for (let i = 0; i < this.size; i++) this.#slots[this.#find(this.left[i], this.right[i])] = i + 1;
    }
    return index;
  }

  #find(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] - 1;
      if (index < 0 || (this.left[index] === left && this.right[index] === right)) return slot;
    }
  }
}

interface QueuedPair {
  pair: number;
  /** The pair's count when it came in or was last looked up. */
  count: number;
  /** The words that had the pair then; some may have lost it since. */
  words: number[];
}

/** The most frequent pair first; of equally frequent ones, that with the lowest ids. */
class PairQueue {
  readonly #pairs: PairCounts;
  readonly #heap: QueuedPair[] = [];

  constructor(pairs: PairCounts) {
    this.#pairs = pairs;
  }

  push(pair: number, words: number[]): void {
    const heap = this.#heap;
    const entry = { pair, count: this.#pairs.counts[pair], words };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#precedes(entry, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }

  pop(): QueuedPair | undefined {
    const heap = this.#heap;
    while (heap.length > 0) {
      const top = heap[0];
      const count = this.#pairs.counts[top.pair];
      if (count === top.count) {
        const last = heap.pop()!;
        if (heap.length > 0) this.#sink(last);
        return top;
      }
      top.count = count;
      this.#sink(top);
    }
    return undefined;
  }

  /** Puts an entry in the root's place, and from there where it belongs. */
  #sink(entry: QueuedPair): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#precedes(heap[child + 1], heap[child])) child++;
      if (!this.#precedes(heap[child], entry)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = entry;
  }

  #precedes(a: QueuedPair, b: QueuedPair): boolean {
    if (a.count !== b.count) return a.count > b.count;
    const { left, right } = this.#pairs;
    return left[a.pair] !== left[b.pair] ? left[a.pair] < left[b.pair] : right[a.pair] < right[b.pair];
  }
}
