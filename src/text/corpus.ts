/**
 * A text as batches for language modelling. The ids are cut into B contiguous columns that are read side by
 * side, T ids at a time, so that the recurrent state after one batch is the right start for the next one
 * (truncated backpropagation through time).
 *
 *   ids      0 1 2 3 4 5 6 7 8        B = 2, T = 2
 *   column 0 0 1 2 3                  batch 0: 0 1 | 4 5   targets 1 2 | 5 6
 *   column 1 4 5 6 7                  batch 1: 2 3 | 6 7   targets 3 4 | 7 8
 */
import { ConfigError } from "../errors.ts";

export interface LanguageBatch {
  /** `[steps, batchSize]`, time-major: step t of column b is at `t * batchSize + b`. */
  readonly inputs: Int32Array;
  /** `[steps, batchSize]`: the id that follows each input; -1 where there is none, to be ignored. */
  readonly targets: Int32Array;
  readonly steps: number;
  readonly batchSize: number;
  /** Whether each column goes on where the batch before ended. If not, the carried state must be reset. */
  readonly continues: boolean;
}

export interface BatchOptions {
  /** Columns read side by side, 1 or more. */
  batchSize: number;
  /** Steps of a batch, 1 or more. */
  sequenceLength: number;
}

export interface CorpusOptions extends BatchOptions {
  /**
   * The ids kept for validation; none of the others are then. A tokenizer should learn from the training text alone,
   * so cut the text with {@link splitText}, not its ids.
   */
  validationIds?: Int32Array;
  /** Without validationIds: the share of the ids, at their end, that is. At least 0, below 1. Default 0.1. */
  validationFraction?: number;
}

export class Corpus {
  readonly batchSize: number;
  readonly sequenceLength: number;
  /** Training batches until the columns start over. What is left of a column below T ids is not read. */
  readonly stepsPerEpoch: number;
  /** How many tokens the validation batches predict. */
  readonly validationTokens: number;
  readonly #training: Int32Array;
  readonly #validation: Int32Array;
  readonly #columnLength: number;

  /**
   * The ids are read in place, not copied.
   * @throws ConfigError for an option outside its range, or when there are too few ids for one training batch
   *   (`batchSize · sequenceLength + 1`) or, unless validationFraction is 0, for validation (2).
   */
  constructor(ids: Int32Array, options: CorpusOptions) {
    const { batchSize, sequenceLength, validationIds, validationFraction = 0.1 } = options;
    checkBatchOptions({ batchSize, sequenceLength });
    const length = trainingLength(ids.length, validationFraction);
    const training = validationIds ? ids : ids.subarray(0, length);
    const validation = validationIds ?? ids.subarray(length);
    const needed = batchSize * sequenceLength + 1;
    const total = training.length + validation.length;
    const have = `the text has ${total} tokens, of which ${training.length} are for training`;
    if (training.length < needed) {
      throw new ConfigError(
        `${have}, but one batch needs ${needed} ` +
          `(batchSize ${batchSize} × sequenceLength ${sequenceLength} + 1): ` +
          "lower batchSize or sequenceLength, or give a longer text",
      );
    }
    if ((validationIds || validationFraction > 0) && validation.length < 2) {
      throw new ConfigError(
        `${have} and ${validation.length} for validation, which needs 2: hold out more, or nothing ` +
          "(validationFraction 0), or give a longer text",
      );
    }
    this.batchSize = batchSize;
    this.sequenceLength = sequenceLength;
    this.#training = training;
    this.#validation = validation;
    // The last id is a target only.
    this.#columnLength = Math.floor((training.length - 1) / batchSize);
    this.stepsPerEpoch = Math.floor(this.#columnLength / sequenceLength);
    this.validationTokens = Math.max(0, validation.length - 1);
  }

  get tokensPerBatch(): number {
    return this.batchSize * this.sequenceLength;
  }

  /**
   * The batch of training step `step` (0, 1, …). It depends on the step alone, so that a run resumes from the
   * step's number.
   * @throws ConfigError if step is not a non-negative integer.
   */
  trainBatch(step: number): LanguageBatch {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new ConfigError(`step: expected a non-negative integer, got ${step}`);
    }
    const layout = { columns: this.batchSize, columnLength: this.#columnLength };
    const start = (step % this.stepsPerEpoch) * this.sequenceLength;
    return readColumns(this.#training, layout, start, this.sequenceLength);
  }

  /** The validation ids as `evaluationBatches`; none if no ids are held out. */
  validationBatches(): Iterable<LanguageBatch> {
    return this.validationTokens > 0 ? evaluationBatches(this.#validation, this) : [];
  }
}

/**
 * Batches in which every id but the first is a target exactly once. A short text gets fewer columns, so that
 * columns are not shorter than a sequence and little is predicted from an empty state; the last batch may
 * have fewer steps, and the last column may end early (its targets are then -1, its inputs 0).
 * @throws ConfigError for fewer than 2 ids, or an option outside its range.
 */
export function evaluationBatches(ids: Int32Array, options: BatchOptions): Iterable<LanguageBatch> {
  checkBatchOptions(options);
  const targets = ids.length - 1;
  if (targets < 1) {
    throw new ConfigError(
      `the text has ${ids.length} tokens, but an evaluation needs at least 2: give a longer text`,
    );
  }
  const wanted = Math.max(1, Math.min(options.batchSize, Math.floor(targets / options.sequenceLength)));
  const columnLength = Math.ceil(targets / wanted);
  const layout = { columns: Math.ceil(targets / columnLength), columnLength };
  return {
    *[Symbol.iterator]() {
      for (let start = 0; start < columnLength; start += options.sequenceLength) {
        yield readColumns(ids, layout, start, Math.min(options.sequenceLength, columnLength - start));
      }
    },
  };
}

/**
 * Cuts a text in two: what to train on, and the given share of it, at its end, for validation. No character is cut
 * in two, and no line break of two characters.
 * @throws ConfigError unless validationFraction is at least 0 and below 1.
 */
export function splitText(text: string, validationFraction: number): [training: string, validation: string] {
  let cut = trainingLength(text.length, validationFraction);
  if (/^(?:[\ud800-\udbff][\udc00-\udfff]|\r\n)$/.test(text.slice(cut - 1, cut + 1))) cut++;
  return [text.slice(0, cut), text.slice(cut)];
}

function trainingLength(length: number, validationFraction: number): number {
  if (!(validationFraction >= 0 && validationFraction < 1)) {
    throw new ConfigError(
      `validationFraction: expected a number from 0 to below 1, got ${validationFraction}`,
    );
  }
  return length - Math.floor(length * validationFraction);
}

interface ColumnLayout {
  columns: number;
  columnLength: number;
}

/** Reads `steps` ids of each column from position `start` of the columns on. */
function readColumns(
  ids: Int32Array,
  { columns, columnLength }: ColumnLayout,
  start: number,
  steps: number,
): LanguageBatch {
  const inputs = new Int32Array(steps * columns);
  const targets = new Int32Array(steps * columns).fill(-1);
  for (let column = 0; column < columns; column++) {
    const from = column * columnLength + start;
    const present = Math.min(steps, ids.length - 1 - from);
    for (let t = 0; t < present; t++) {
      inputs[t * columns + column] = ids[from + t];
      targets[t * columns + column] = ids[from + t + 1];
    }
  }
  return { inputs, targets, steps, batchSize: columns, continues: start > 0 };
}

function checkBatchOptions({ batchSize, sequenceLength }: BatchOptions): void {
  for (const [name, value] of Object.entries({ batchSize, sequenceLength })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ConfigError(`${name}: expected a positive integer, got ${value}`);
    }
  }
}
