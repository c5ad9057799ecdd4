import { philox4x32 } from "../reference/philox.ts";

/** Counters of the engine's own stream end in 0: with the same seed, weights and data share no number. */
const STREAMS = { training: 1, validation: 2 };

export type Stream = keyof typeof STREAMS;

/**
 * The random numbers of one batch, from the words that the kernels' generator makes (Philox 4×32-10, Salmon et al.
 * 2011): a function of the seed, the stream and the batch's number alone, in every runtime.
 */
export class BatchRandom {
  readonly #seed: number;
  readonly #stream: Stream;
  readonly #batch: number;
  #block = 0;
  #words: number[] = [];

  /** Seed and batch: integers from 0 to 2⁵³ − 1. */
  constructor(seed: number, stream: Stream, batch: number) {
    this.#seed = seed;
    this.#stream = stream;
    this.#batch = batch;
  }

  /** A number in [0, 1), a multiple of 2⁻²⁴. */
  uniform(): number {
    return (this.#word() >>> 8) / 0x1000000;
  }

  /** An integer from low to high, both included; for ranges far below 2²⁴. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  #word(): number {
    if (this.#words.length === 0) {
      this.#words = philox4x32(
        [this.#block++, ...halves(this.#batch), STREAMS[this.#stream]],
        halves(this.#seed),
      );
    }
    return this.#words.pop() as number;
  }
}

/** The two words of an integer below 2⁵³, the lower one first. */
function halves(n: number): [number, number] {
  return [n >>> 0, Math.floor(n / 0x100000000)];
}
