import type { Engine } from "../src/engine/engine.ts";
import { perNanosecond } from "./entry.ts";

/** How many independent sums the kernel keeps: which number is best depends on the machine and the compiler. */
const CHAINS = [8, 10, 12, 14];
const WARM_UP_MILLISECONDS = 400;
const FIRST_SAMPLES = 3 * CHAINS.length;

/**
 * What a build reaches at best on one thread of this machine: multiply-adds on registers alone. Its samples are taken
 * between the other benchmarks and the best one counts, so that neither a slow moment nor a fast one of the machine
 * falls on one side only.
 */
export class Peak {
  readonly #engine: Engine;
  readonly #rounds: number;
  #samples = 0;
  #best = 0;

  /** A sample lasts at least `sample` milliseconds. */
  constructor(engine: Engine, sample: number) {
    this.#engine = engine;
    const end = performance.now() + WARM_UP_MILLISECONDS;
    let rounds = 10_000;
    for (;;) {
      const start = performance.now();
      for (const chains of CHAINS) engine.kernels.madds(chains, rounds);
      const now = performance.now();
      if (now - start < CHAINS.length * sample) rounds *= 2;
      else if (now >= end) break;
    }
    this.#rounds = rounds;
    for (let i = 0; i < FIRST_SAMPLES; i++) this.sample();
  }

  /** GFLOP/s, the best so far. */
  get best(): number {
    return this.#best;
  }

  sample(): void {
    const chains = CHAINS[this.#samples++ % CHAINS.length];
    const start = performance.now();
    this.#engine.kernels.madds(chains, this.#rounds);
    const flops = 8 * chains * this.#rounds;
    this.#best = Math.max(this.#best, perNanosecond(flops, performance.now() - start));
  }
}
