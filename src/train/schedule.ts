import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { checkRange } from "./optimizers.ts";

export interface ScheduleOptions {
  /**
   * "constant", "cosine" (down to finalRate at the end), "step" (times `decay` every `decayEvery` steps) or "plateau"
   * (times `decay` when the validation loss has stopped falling).
   */
  schedule: "constant" | "cosine" | "step" | "plateau";
  /** The highest learning rate. */
  learningRate: number;
  /** Steps in which the rate rises linearly from near 0: how many, not their share. Default 0. */
  warmup?: number;
  /** Cosine: the share of the learning rate that is left at the end. Default 0. */
  finalRate?: number;
  /** What the rate is multiplied by. Step schedule: default 0.5; plateau: default 0.1. */
  decay?: number;
  /** Step schedule: default a tenth of all steps. */
  decayEvery?: number;
  /** Plateau: how many evaluations in a row may be without improvement before the rate falls. Default 10. */
  patience?: number;
  /** Plateau: the share of the best loss by which a loss must be below it to count as better. Default 1e-4. */
  threshold?: number;
}

/**
 * The learning rate of every step, from 0 to steps − 1; for "plateau" what {@link Plateau} then multiplies.
 * Its cosine is the kernels' own and powers are products, so that the rate is the same in every runtime.
 * @throws ConfigError on an unknown schedule or a number out of range.
 */
export function createSchedule(
  engine: Engine,
  steps: number,
  options: ScheduleOptions,
): (step: number) => number {
  const { schedule, learningRate, warmup = 0, finalRate = 0, decay = 0.5 } = options;
  const decayEvery = options.decayEvery ?? Math.max(1, Math.floor(steps / 10));
  checkRange("learningRate", learningRate, 0, Number.MAX_VALUE);
  checkRange("warmup", warmup, 0, Number.MAX_SAFE_INTEGER);
  if (!Number.isInteger(warmup)) throw new ConfigError(`warmup must be a number of steps, got ${warmup}`);
  checkRange("finalRate", finalRate, 0, 1);
  checkRange("decay", decay, 0, 1);
  checkRange("decayEvery", decayEvery, 1, Number.POSITIVE_INFINITY);
  const shapes = {
    constant: () => 1,
    plateau: () => 1,
    cosine: (step: number) => {
      const done = Math.min(1, Math.max(0, step - warmup) / Math.max(1, steps - warmup));
      return finalRate + (1 - finalRate) * 0.5 * (1 + engine.kernels.cosine(Math.PI * done));
    },
    step: (step: number) => {
      let factor = 1;
      for (let i = Math.floor(step / decayEvery); i > 0; i--) factor *= decay;
      return factor;
    },
  };
  const shape = shapes[schedule];
  if (!Object.hasOwn(shapes, schedule)) {
    throw new ConfigError(`schedule must be one of ${Object.keys(shapes).join(", ")}, got ${schedule}`);
  }
  return (step) => learningRate * (step < warmup ? (step + 1) / warmup : 1) * shape(step);
}

/** Where a plateau schedule stands: what a checkpoint keeps. */
export interface PlateauState {
  /** What the learning rate is multiplied by. */
  factor: number;
  /** The lowest loss so far; null before the first. */
  best: number | null;
  /** Evaluations in a row that were not better. */
  waited: number;
}

/**
 * Lowers the learning rate when the validation loss has stopped falling: PyTorch's ReduceLROnPlateau with a relative
 * threshold. It is told every evaluation's loss.
 * @throws ConfigError on a number out of range.
 */
export class Plateau {
  readonly #decay: number;
  readonly #patience: number;
  readonly #threshold: number;
  state: PlateauState = { factor: 1, best: null, waited: 0 };

  constructor(options: Pick<ScheduleOptions, "decay" | "patience" | "threshold">) {
    const { decay = 0.1, patience = 10, threshold = 1e-4 } = options;
    checkRange("decay", decay, 0, 1);
    checkRange("patience", patience, 0, Number.POSITIVE_INFINITY);
    checkRange("threshold", threshold, 0, 1, true);
    this.#decay = decay;
    this.#patience = patience;
    this.#threshold = threshold;
  }

  observe(loss: number): void {
    const { factor, best, waited } = this.state;
    const isBetter = Number.isFinite(loss) && (best === null || loss < best * (1 - this.#threshold));
    if (isBetter) {
      this.state = { factor, best: loss, waited: 0 };
    } else if (waited < this.#patience) {
      this.state = { factor, best, waited: waited + 1 };
    } else {
      this.state = { factor: factor * this.#decay, best, waited: 0 };
    }
  }
}
