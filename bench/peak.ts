import type { Engine } from "../src/engine/engine.ts";
import { perNanosecond } from "./entry.ts";

/** How many independent sums the kernel keeps: which number is best depends on the machine and the compiler. */
const CHAINS = [8, 10, 12, 14];
/** In the wide build they go in pairs. */
const WIDE_CHAINS = [16, 20, 24];
/** Where wideMadds leaves its sums, in floats. */
const SUMS = 96;
const WARM_UP_MILLISECONDS = 400;
const SAMPLES_EACH = 3;

/**
 * What a build reaches at best on one thread of this machine: multiply-adds on registers alone. Its samples are taken
 * between the other benchmarks and the best one counts, so that neither a slow moment nor a fast one of the machine
 * falls on one side only.
 */
export class Peak {
  readonly #chains: readonly number[];
  readonly #madds: (chains: number, rounds: number) => void;
  readonly #rounds: number;
  #samples = 0;
  #best = 0;

  /** A sample lasts at least `sample` milliseconds. */
  constructor(engine: Engine, sample: number) {
    const { kernels } = engine;
    const isWide = engine.build === "wide";
    const sums = isWide ? engine.zeros([SUMS]).pointer : 0;
    this.#chains = isWide ? WIDE_CHAINS : CHAINS;
    this.#madds = isWide
      ? (chains, rounds) => kernels.wideMadds(chains, rounds, sums)
      : (chains, rounds) => void kernels.madds(chains, rounds);
    const end = performance.now() + WARM_UP_MILLISECONDS;
    let rounds = 10_000;
    for (;;) {
      const start = performance.now();
      for (const chains of this.#chains) this.#madds(chains, rounds);
      const now = performance.now();
      if (now - start < this.#chains.length * sample) rounds *= 2;
      else if (now >= end) break;
    }
    this.#rounds = rounds;
    for (let i = 0; i < SAMPLES_EACH * this.#chains.length; i++) this.sample();
  }

  /** GFLOP/s, the best so far. */
  get best(): number {
    return this.#best;
  }

  sample(): void {
    const chains = this.#chains[this.#samples++ % this.#chains.length];
    const start = performance.now();
    this.#madds(chains, this.#rounds);
    const flops = 8 * chains * this.#rounds;
    this.#best = Math.max(this.#best, perNanosecond(flops, performance.now() - start));
  }
}
