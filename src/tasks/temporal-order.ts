import type { BatchRandom } from "./random.ts";
import { Task, type TaskOptions } from "./task.ts";

/** Eight symbols: begin, end, two that matter, and four that do not. */
const BEGIN = 0;
const END = 1;
const X = 2;
const NOISE = 4;
const SYMBOLS = 8;

/**
 * Temporal order (Hochreiter & Schmidhuber 1997, experiment 6a): a sequence of T symbols, in which two, each X or Y,
 * stand among noise of four other symbols between a begin and an end; after the last, say which two came in which
 * order: XX, XY, YX or YY. The first lies at T/10 to T/5, the second at T/2 to 3T/5, as in the paper, whose T is 100
 * to 110 where this one is fixed.
 *
 * inputs one-hot [T, B, 8] (begin, end, X, Y, four of noise), targets i32 [B]: 0 XX, 1 XY, 2 YX, 3 YY. Guessing has
 * a loss of ln 4 = 1.386 nats and is right a quarter of the time.
 */
export class TemporalOrder extends Task<Int32Array> {
  readonly inputSize = SYMBOLS;
  readonly outputSize = 4;
  // biome-ignore lint/plugin: a figure to report, which no kernel reads.
  readonly baselineLoss = Math.log(4);

  /** `length`: T, at least 10. @throws ConfigError on an option out of range. */
  constructor(options: TaskOptions) {
    super(options, 10);
  }

  protected override fill(random: BatchRandom): { inputs: Float32Array; targets: Int32Array } {
    const { length, batchSize } = this;
    const inputs = new Float32Array(length * batchSize * SYMBOLS);
    const targets = new Int32Array(batchSize);
    const share = (part: number, whole: number): number => Math.floor((length * part) / whole);
    for (let b = 0; b < batchSize; b++) {
      const first = random.integer(share(1, 10), share(1, 5));
      const second = random.integer(share(1, 2), share(3, 5));
      for (let t = 0; t < length; t++) {
        let symbol = random.integer(NOISE, SYMBOLS - 1);
        if (t === 0) symbol = BEGIN;
        if (t === length - 1) symbol = END;
        if (t === first || t === second) {
          const isY = random.integer(0, 1);
          symbol = X + isY;
          targets[b] = 2 * targets[b] + isY;
        }
        inputs[(t * batchSize + b) * SYMBOLS + symbol] = 1;
      }
    }
    return { inputs, targets };
  }
}
