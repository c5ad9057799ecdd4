import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { checkRange } from "./optimizers.ts";

export interface ScheduleOptions {
  /** "constant", "cosine" (down to finalRate at the end) or "step" (times `decay` every `decayEvery` steps). */
  schedule: "constant" | "cosine" | "step";
  /** The highest learning rate. */
  learningRate: number;
  /** Steps in which the rate rises linearly from near 0. Default 0. */
  warmup?: number;
  /** Cosine: the share of the learning rate that is left at the end. Default 0. */
  finalRate?: number;
  /** Step schedule: default 0.5. */
  decay?: number;
  /** Step schedule: default a tenth of all steps. */
  decayEvery?: number;
}

/**
 * The learning rate of every step, from 0 to steps − 1.
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
  checkRange("learningRate", learningRate, 0, Number.POSITIVE_INFINITY);
  checkRange("warmup", warmup, 0, Number.POSITIVE_INFINITY);
  checkRange("finalRate", finalRate, 0, 1);
  checkRange("decay", decay, 0, 1);
  checkRange("decayEvery", decayEvery, 1, Number.POSITIVE_INFINITY);
  const shapes = {
    constant: () => 1,
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
