import { ConfigError } from "../errors.ts";
import type { Runner } from "./runner.ts";

/** Where a stream of random numbers stands: enough to continue it bit for bit. */
export interface RandomState {
  /** The seed, an integer from 0 to 2⁵³ − 1. */
  seed: number;
  /** How many blocks of four words have been drawn. */
  block: number;
}

/** @throws ConfigError unless it is an integer from 0 to 2⁵³ − 1. */
export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ConfigError(`seed must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}, got ${seed}`);
  }
}

/**
 * A stream of the counter-based generator Philox 4×32-10 (Salmon et al. 2011): a seed and a count of blocks. The
 * words themselves are made in WebAssembly (assembly/random.ts).
 */
export class RandomStream {
  #seed: number;
  #block = 0;

  constructor(seed: number) {
    checkSeed(seed);
    this.#seed = seed;
  }

  get state(): RandomState {
    return { seed: this.#seed, block: this.#block };
  }

  set state(state: RandomState) {
    this.#seed = state.seed;
    this.#block = state.block;
  }

  /** Takes the blocks for `count` words; returns the arguments that the kernels need. */
  take(count: number): { seedLow: number; seedHigh: number; blockLow: number; blockHigh: number } {
    const first = this.#block;
    this.#block += Math.ceil(count / 4);
    return {
      seedLow: this.#seed >>> 0,
      seedHigh: Math.floor(this.#seed / 0x100000000),
      blockLow: first >>> 0,
      blockHigh: Math.floor(first / 0x100000000),
    };
  }

  /** One number in [0, 1), a multiple of 2⁻²⁴. */
  uniform({ kernels, memory }: Runner): number {
    const { seedLow, seedHigh, blockLow, blockHigh } = this.take(1);
    const mark = memory.mark();
    const at = memory.bump(16);
    kernels.philox(at, blockLow, blockHigh, 0, 0, seedLow, seedHigh);
    const word = memory.i32[at >>> 2];
    memory.release(mark);
    return (word >>> 8) * 5.9604644775390625e-8;
  }
}
