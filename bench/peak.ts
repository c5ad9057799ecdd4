import type { Engine } from "../src/engine/engine.ts";
import { gigaflops } from "./entry.ts";

/** How many independent sums the kernel keeps: which number is best depends on the machine and the compiler. */
const CHAINS = [8, 10, 12, 14];
const ROUNDS = 100_000;
const REPETITIONS = 3;
const WARM_UP_MILLISECONDS = 400;

/**
 * What a build reaches at best on this machine: multiply-adds on registers alone. Its samples are taken between the
 * other benchmarks and the best one counts, so that neither a slow moment nor a fast one of the machine falls on one
 * side only.
 */
export class Peak {
  readonly #engine: Engine;
  #best = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    const end = performance.now() + WARM_UP_MILLISECONDS;
    while (performance.now() < end) for (const chains of CHAINS) engine.kernels.madds(chains, ROUNDS / 5);
  }

  /** GFLOP/s, the best so far. */
  get best(): number {
    return this.#best;
  }

  sample(): void {
    for (let i = 0; i < REPETITIONS; i++) {
      for (const chains of CHAINS) {
        const start = performance.now();
        this.#engine.kernels.madds(chains, ROUNDS);
        this.#best = Math.max(this.#best, gigaflops(8 * chains * ROUNDS, performance.now() - start));
      }
    }
  }
}
