import type { BatchRandom } from "./random.ts";
import { Task, type TaskOptions } from "./task.ts";

/**
 * The adding problem (Hochreiter & Schmidhuber 1997, experiment 4): at each of T steps a value, uniform in [0, 1), and
 * a mark, 1 at two steps and 0 elsewhere; after the last step, say the sum of the two marked values. One mark lies in
 * the first half, the other in the second, and values are in [0, 1) and not [−1, 1], as in Arjovsky et al. 2016.
 *
 * inputs [T, B, 2], targets f32 [B] in [0, 2). Always saying 1, the mean, has the sum's variance as its mean squared
 * error: 1/6, a root mean square of 0.408.
 */
export class AddingProblem extends Task<Float32Array> {
  readonly inputSize = 2;
  readonly outputSize = 1;
  readonly baselineLoss = 1 / 6;

  /** `length`: T, at least 2. @throws ConfigError on an option out of range. */
  constructor(options: TaskOptions) {
    super(options, 2);
  }

  protected override fill(random: BatchRandom): { inputs: Float32Array; targets: Float32Array } {
    const { length, batchSize } = this;
    const inputs = new Float32Array(length * batchSize * 2);
    const targets = new Float32Array(batchSize);
    const half = Math.floor(length / 2);
    for (let b = 0; b < batchSize; b++) {
      const at = (t: number): number => 2 * (t * batchSize + b);
      for (let t = 0; t < length; t++) inputs[at(t)] = random.uniform();
      const first = at(random.integer(0, half - 1));
      const second = at(random.integer(half, length - 1));
      inputs[first + 1] = 1;
      inputs[second + 1] = 1;
      targets[b] = inputs[first] + inputs[second];
    }
    return { inputs, targets };
  }
}
