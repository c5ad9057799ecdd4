import type { BatchRandom } from "./random.ts";
import { checkInteger, Task, type TaskOptions } from "./task.ts";

export interface CopyMemoryOptions extends TaskOptions {
  /** S, how many symbols to remember. Default 10. */
  symbols?: number;
  /** A, of how many kinds they are: at least 2. Default 8. */
  alphabetSize?: number;
}

/**
 * Copy memory (after Hochreiter & Schmidhuber 1997; in this form Arjovsky et al. 2016): read S random symbols, see
 * T − 1 blanks, and at a delimiter begin to repeat the symbols in order. Each must be remembered for T + S steps.
 *
 *   inputs    3 1 0 4 · · · · : · · · ·      S = 4, T = 5; · is the blank, class A, and : the delimiter, class A + 1
 *   targets   · · · · · · · · · 3 1 0 4
 *
 * inputs one-hot [T + 2S, B, A + 2], targets i32 [T + 2S, B] from 0 to A. Blanks first and then any symbol is right in
 * all but the last S steps and loses S·ln A / (T + 2S) nats per step; of the symbols 1/A are right.
 */
export class CopyMemory extends Task<Int32Array> {
  readonly symbols: number;
  readonly alphabetSize: number;
  readonly inputSize: number;
  /** A + 1: the delimiter is never an answer. */
  readonly outputSize: number;
  readonly baselineLoss: number;

  /** `length`: T, at least 1. @throws ConfigError on an option out of range. */
  constructor(options: CopyMemoryOptions) {
    super(options, 1);
    const { symbols = 10, alphabetSize = 8 } = options;
    checkInteger("symbols", symbols, 1, 1024);
    checkInteger("alphabetSize", alphabetSize, 2, 1024);
    this.symbols = symbols;
    this.alphabetSize = alphabetSize;
    this.inputSize = alphabetSize + 2;
    this.outputSize = alphabetSize + 1;
    // biome-ignore lint/plugin: a figure to report, which no kernel reads.
    this.baselineLoss = (symbols * Math.log(alphabetSize)) / (this.length + 2 * symbols);
  }

  protected override fill(random: BatchRandom): { inputs: Float32Array; targets: Int32Array } {
    const { length, batchSize, symbols, alphabetSize, inputSize } = this;
    const steps = length + 2 * symbols;
    const blank = alphabetSize;
    const delimiter = alphabetSize + 1;
    const inputs = new Float32Array(steps * batchSize * inputSize);
    const targets = new Int32Array(steps * batchSize).fill(blank);
    for (let b = 0; b < batchSize; b++) {
      for (let t = 0; t < steps; t++) {
        let symbol = t === symbols + length - 1 ? delimiter : blank;
        if (t < symbols) {
          symbol = random.integer(0, alphabetSize - 1);
          targets[(t + symbols + length) * batchSize + b] = symbol;
        }
        inputs[(t * batchSize + b) * inputSize + symbol] = 1;
      }
    }
    return { inputs, targets };
  }
}
