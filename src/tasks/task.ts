import { ConfigError } from "../errors.ts";
import { BatchRandom, type Stream } from "./random.ts";

/** A batch of independent sequences and what to say about them. */
export interface SequenceBatch<Targets extends Float32Array | Int32Array = Float32Array | Int32Array> {
  /** `[steps, batchSize, inputSize]`, time-major; a symbol is a one-hot vector. */
  readonly inputs: Float32Array;
  /**
   * Numbers to predict (f32) or classes (i32): `[batchSize]`, one a sequence after its last step, or
   * `[steps, batchSize]`, one at every step.
   */
  readonly targets: Targets;
  readonly steps: number;
  readonly batchSize: number;
  readonly inputSize: number;
  /** Every batch begins anew: nothing is carried from one to the next. */
  readonly continues: false;
}

export interface TaskOptions {
  /** T, how long must be remembered: see the task. */
  length: number;
  /** Sequences of a batch, 1 or more. */
  batchSize: number;
  /** An integer from 0 to 2⁵³ − 1. Default 0. */
  seed?: number;
}

/** As many as Hochreiter & Schmidhuber tested on. */
const VALIDATION_SEQUENCES = 2560;

/** The longest sequence of a task: 2²⁰ steps. */
const LONGEST = 1 << 20;
/** In the sequences of a batch together: more would not fit into the engine's memory. */
const MOST_STEPS = 1 << 26;

/**
 * A synthetic task that asks for memory, as data for `train`: every batch is new, and a function of seed and step
 * alone, so that a resumed run gets the same ones.
 */
export abstract class Task<Targets extends Float32Array | Int32Array> {
  readonly length: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Numbers in an input vector. */
  abstract readonly inputSize: number;
  /** Numbers that a model must put out: 1 for a regression, else the number of classes. */
  abstract readonly outputSize: number;
  /** The loss of the best answer that ignores what had to be remembered: mean squared error, or nats. */
  abstract readonly baselineLoss: number;
  /** The batches never repeat: an epoch is only how often `train` evaluates unless told. */
  readonly stepsPerEpoch = 100;

  /** @throws ConfigError on an option out of range. */
  constructor({ length, batchSize, seed = 0 }: TaskOptions, shortest: number) {
    checkInteger("length", length, shortest, LONGEST);
    checkInteger("batchSize", batchSize, 1, LONGEST);
    if (length * batchSize > MOST_STEPS) {
      throw new ConfigError(`length · batchSize must be at most ${MOST_STEPS}, got ${length * batchSize}`);
    }
    checkInteger("seed", seed, 0, Number.MAX_SAFE_INTEGER);
    this.length = length;
    this.batchSize = batchSize;
    this.seed = seed;
  }

  /** The batch of training step `step` (0, 1, …). @throws ConfigError if it is not a non-negative integer. */
  trainBatch(step: number): SequenceBatch<Targets> {
    checkInteger("step", step, 0, Number.MAX_SAFE_INTEGER);
    return this.#batch("training", step);
  }

  /** At least 2,560 sequences, always the same, which training never sees. */
  *validationBatches(): Generator<SequenceBatch<Targets>> {
    for (let i = 0; i * this.batchSize < VALIDATION_SEQUENCES; i++) yield this.#batch("validation", i);
  }

  #batch(stream: Stream, index: number): SequenceBatch<Targets> {
    const { batchSize, inputSize } = this;
    const { inputs, targets } = this.fill(new BatchRandom(this.seed, stream, index));
    const steps = inputs.length / (batchSize * inputSize);
    return { inputs, targets, steps, batchSize, inputSize, continues: false };
  }

  /** The numbers of a batch. */
  protected abstract fill(random: BatchRandom): { inputs: Float32Array; targets: Targets };
}

export function checkInteger(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new ConfigError(`${name} must be an integer from ${low} to ${high}, got ${value}`);
  }
}
