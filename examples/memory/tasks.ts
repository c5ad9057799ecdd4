import { AddingProblem, CopyMemory, type SequenceBatch, type Task, TemporalOrder } from "unrolled";
import type { Cell } from "./model.ts";

/** How the example trains and reports a task. */
export interface TaskProfile {
  title: string;
  create(options: { length: number; batchSize: number; seed: number }): Task<Float32Array | Int32Array>;
  /** The T that are measured unless others are asked for. */
  lengths: readonly number[];
  /** Steps of training unless others are asked for. */
  steps: number;
  /** Found by trial: at higher ones, some seeds never leave where they began. */
  learningRate: Record<Cell, number>;
  /** What is reported in place of the loss, and its name. */
  error: string;
  errorOf(loss: number, length: number): number;
  /** The error at which training ends early. */
  goal: number;
  /** What `right` means in the report. */
  rightMeans: string;
  /** How many answers of a batch are right, and how many were asked for. */
  right(outputs: Float32Array, batch: SequenceBatch): { right: number; asked: number };
}

/** Symbols to copy: three of the usual ten, since minutes of training have to be enough. */
const SYMBOLS = 3;

export const PROFILES = {
  adding: {
    title: "The adding problem",
    create: (options) => new AddingProblem(options),
    lengths: [10, 50, 100, 200, 400],
    steps: 2000,
    learningRate: { rnn: 0.01, lstm: 0.05, gru: 0.03 },
    error: "root mean square error",
    errorOf: (loss) => Math.sqrt(loss),
    goal: 0.01,
    // The criterion of Hochreiter & Schmidhuber 1997.
    rightMeans: "sums off by less than 0.04",
    right: (outputs, { targets }) => ({
      right: outputs.filter((output, b) => Math.abs(output - targets[b]) < 0.04).length,
      asked: targets.length,
    }),
  },
  order: {
    title: "Temporal order",
    create: (options) => new TemporalOrder(options),
    lengths: [10, 50, 100, 200, 400],
    steps: 1000,
    learningRate: { rnn: 0.01, lstm: 0.02, gru: 0.02 },
    error: "cross-entropy, nats",
    errorOf: (loss) => loss,
    goal: 0.001,
    rightMeans: "orders told right",
    right: (outputs, batch) => countRight(outputs, batch, 0),
  },
  copy: {
    title: `Copy memory, ${SYMBOLS} symbols`,
    create: (options) => new CopyMemory({ ...options, symbols: SYMBOLS }),
    lengths: [10, 50, 100],
    steps: 3000,
    learningRate: { rnn: 0.01, lstm: 0.05, gru: 0.03 },
    error: "nats per symbol to copy",
    errorOf: (loss, length) => (loss * (length + 2 * SYMBOLS)) / SYMBOLS,
    goal: 0.01,
    rightMeans: "symbols copied right",
    right: (outputs, batch) => countRight(outputs, batch, batch.steps - SYMBOLS),
  },
} satisfies Record<string, TaskProfile>;

export type TaskName = keyof typeof PROFILES;

/** Compares the likeliest classes with the targets, from step `first` on. */
function countRight(outputs: Float32Array, { targets, batchSize }: SequenceBatch, first: number) {
  const classes = outputs.length / targets.length;
  const from = first * batchSize;
  let right = 0;
  for (let i = from; i < targets.length; i++) {
    const row = outputs.subarray(i * classes, (i + 1) * classes);
    if (row.indexOf(Math.max(...row)) === targets[i]) right++;
  }
  return { right, asked: targets.length - from };
}
