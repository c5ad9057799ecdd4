import { ConfigError, FormatError, NumericError } from "../errors.ts";
import type { SafeTensor } from "../formats/safetensors.ts";
import { createPacer } from "../macrotask.ts";
import { checkSize } from "../nn/options.ts";
import type { Parameter, Tensor } from "../tensor/tensor.ts";
import { carry, drop } from "./carry.ts";
import { clipByValue, clipScale, gradientNorm } from "./clip.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import type { Batch, DataSource, Trainable } from "./interfaces.ts";
import { Adam, AdamW, checkRange, type Optimizer, RMSProp, SGD } from "./optimizers.ts";
import { createSchedule, Plateau, type PlateauState, type ScheduleOptions } from "./schedule.ts";

export interface TrainOptions extends Partial<ScheduleOptions> {
  /** How many steps to train; or, without it, how many passes over the data. Default: 1 epoch. */
  steps?: number;
  epochs?: number;
  /** Default "adam". */
  optimizer?: "sgd" | "rmsprop" | "adam" | "adamw";
  /** SGD and RMSProp. Default 0. */
  momentum?: number;
  /** Default 0; for AdamW 0.01. */
  weightDecay?: number;
  /** The largest global norm of the gradients; Infinity for no clipping. Default 1. */
  clip?: number;
  /** The largest absolute value of a gradient's element. Default: no limit. */
  clipValue?: number;
  /** Evaluate on the held-out data every so many steps, and at the end. Default: at the end of every epoch; 0: never. */
  evaluateEvery?: number;
  /** Stops the training after the step that runs; the iteration then ends without an error. */
  signal?: AbortSignal;
}

export interface StepReport {
  kind: "step";
  /** Steps done, from 1. */
  step: number;
  steps: number;
  /** Passes over the data, begun at this step: from 1. */
  epoch: number;
  /** Mean loss of the batch, nats. */
  loss: number;
  /** Global norm of the gradients before clipping. */
  gradientNorm: number;
  /** Whether clipping by norm changed them. */
  clipped: boolean;
  /** The share of all steps so far whose gradients clipping by norm changed. */
  clippedShare: number;
  learningRate: number;
  /** Predictions trained on a second, over the last few seconds. */
  tokensPerSecond: number;
  /** Estimated from the speed so far, evaluations included. */
  secondsLeft: number;
}

export interface ValidationReport extends Evaluation {
  kind: "validation";
  step: number;
  steps: number;
}

export type TrainReport = StepReport | ValidationReport;

/** A training run's state besides the weights: tensors, and numbers as JSON. */
export interface TrainState {
  tensors: ReadonlyMap<string, SafeTensor>;
  numbers: TrainNumbers;
}

export interface TrainNumbers {
  step: number;
  random: { seed: number; block: number };
  /** The build that the run was made with: only the same one continues it bit for bit. */
  build: string;
  carried: readonly (readonly number[])[];
  /** How many steps' gradients clipping by norm changed. */
  clipped: number;
  /** The step after which the last evaluation was made: one that was due and not made comes first. */
  evaluated: number;
  /** Of the schedule "plateau". */
  plateau?: PlateauState;
}

/** The defaults of {@link TrainOptions}: a language model of one layer learns well with them. */
export const TRAIN_DEFAULTS = {
  optimizer: "adam",
  learningRate: 3e-3,
  schedule: "cosine",
  clip: 1,
} as const;

const OPTIMIZERS = { sgd: SGD, rmsprop: RMSProp, adam: Adam, adamw: AdamW };

/**
 * A training run: truncated backpropagation through time with carried state, clipping, an optimizer and a learning
 * rate schedule. {@link train} is the short way to one; this class also gives and takes its state for checkpoints.
 */
export class Trainer<B extends Batch> {
  readonly model: Trainable<B>;
  readonly steps: number;
  readonly optimizer: Optimizer;
  readonly #data: DataSource<B>;
  readonly #options: TrainOptions;
  readonly #clip: number;
  readonly #clipValue: number;
  readonly #evaluateEvery: number;
  readonly #schedule: ScheduleOptions;
  #learningRate: (step: number) => number;
  readonly #names: string[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #plateau: Plateau | undefined;
  #step = 0;
  /** The step after which the last evaluation was made. */
  #evaluated = 0;
  #clipped = 0;
  #carried: Tensor[] = [];

  /** @throws ConfigError on an option out of range. */
  constructor(model: Trainable<B>, data: DataSource<B>, options: TrainOptions = {}) {
    const { clip = TRAIN_DEFAULTS.clip, clipValue = Number.POSITIVE_INFINITY } = options;
    const { steps = Math.ceil((options.epochs ?? 1) * data.stepsPerEpoch) } = options;
    const { evaluateEvery = data.stepsPerEpoch, optimizer = TRAIN_DEFAULTS.optimizer } = options;
    if (options.epochs !== undefined) checkRange("epochs", options.epochs, 0, Number.POSITIVE_INFINITY);
    checkSize("steps", steps);
    if (evaluateEvery !== 0) checkSize("evaluateEvery", evaluateEvery);
    if (!(clip > 0)) throw new ConfigError(`clip must be above 0 (Infinity: no clipping), got ${clip}`);
    if (!(clipValue > 0)) throw new ConfigError(`clipValue must be above 0, got ${clipValue}`);
    if (!Object.hasOwn(OPTIMIZERS, optimizer)) {
      throw new ConfigError(
        `optimizer must be one of ${Object.keys(OPTIMIZERS).join(", ")}, got ${optimizer}`,
      );
    }
    const hasMomentum = optimizer === "sgd" || optimizer === "rmsprop";
    if (!hasMomentum && options.momentum) {
      throw new ConfigError(`momentum belongs to the optimizers "sgd" and "rmsprop", got "${optimizer}"`);
    }
    const isPlateau = options.schedule === "plateau";
    if (isPlateau && evaluateEvery === 0) {
      throw new ConfigError('the schedule "plateau" needs evaluations: evaluateEvery must not be 0');
    }
    if (isPlateau && isEmpty(data.validationBatches())) {
      throw new ConfigError('the schedule "plateau" needs held-out data, and there is none');
    }
    this.model = model;
    this.steps = steps;
    this.#data = data;
    this.#options = options;
    this.#clip = clip;
    this.#clipValue = clipValue;
    this.#evaluateEvery = evaluateEvery;
    const schedule = {
      ...options,
      schedule: options.schedule ?? TRAIN_DEFAULTS.schedule,
      learningRate: options.learningRate ?? TRAIN_DEFAULTS.learningRate,
    };
    this.#schedule = schedule;
    this.#learningRate = createSchedule(model.engine, steps, schedule);
    if (isPlateau) this.#plateau = new Plateau(options);
    for (const [name, parameter] of model.namedParameters()) {
      this.#names.push(name);
      this.#parameters.push(parameter);
    }
    const { learningRate } = schedule;
    const { momentum, weightDecay } = options;
    this.optimizer =
      optimizer === "sgd" || optimizer === "rmsprop"
        ? new OPTIMIZERS[optimizer](this.#parameters, { learningRate, momentum, weightDecay })
        : new OPTIMIZERS[optimizer](this.#parameters, { learningRate, weightDecay });
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** Whether no step is left, and no evaluation: one that was aborted at the end is. */
  get isFinished(): boolean {
    return this.#step === this.steps && !this.#isEvaluationDue();
  }

  /** The share of them whose gradients clipping by norm changed. */
  get clippedShare(): number {
    return this.#step === 0 ? 0 : this.#clipped / this.#step;
  }

  /**
   * Changes the highest learning rate, which the schedule shapes, from the next step on.
   * @throws ConfigError if it is negative or NaN.
   */
  setLearningRate(learningRate: number): void {
    this.#learningRate = createSchedule(this.model.engine, this.steps, { ...this.#schedule, learningRate });
  }

  /**
   * Trains to the last step, or until the signal aborts, reporting every step and every evaluation. Called again, it
   * goes on where it was left.
   * @param signal Default: that of the options.
   * @throws NumericError when a loss or gradient is not finite: the weights are those of the step before.
   */
  async *run(signal = this.#options.signal): AsyncGenerator<TrainReport, void, undefined> {
    const pause = createPacer();
    const clock = createClock();
    this.model.train();
    for (;;) {
      // Also before the first step of a run that goes on from a moment between a step and its evaluation.
      if (this.#isEvaluationDue()) {
        const result = await evaluate(this.model, this.#data.validationBatches(), { signal });
        if (!result) return;
        this.#evaluated = this.#step;
        if (result.count > 0) {
          this.#plateau?.observe(result.loss);
          yield { kind: "validation", step: this.#step, steps: this.steps, ...result };
        }
      }
      if (this.#step === this.steps) return;
      await pause();
      if (signal?.aborted) return;
      const batch = this.#data.trainBatch(this.#step);
      const epoch = Math.floor(this.#step / this.#data.stepsPerEpoch) + 1;
      const { count, ...done } = this.#trainStep(batch);
      const time = clock(count, this.steps - this.#step);
      yield { kind: "step", step: this.#step, steps: this.steps, epoch, ...done, ...time };
    }
  }

  #isEvaluationDue(): boolean {
    const step = this.#step;
    if (this.#evaluateEvery === 0 || step === 0 || step === this.#evaluated) return false;
    return step === this.steps || step % this.#evaluateEvery === 0;
  }

  #trainStep(batch: B): Pick<
    StepReport,
    "loss" | "gradientNorm" | "clipped" | "clippedShare" | "learningRate"
  > & {
    count: number;
  } {
    const { engine } = this.model;
    if (!batch.continues) this.#dropCarried();
    for (const parameter of this.#parameters) parameter.zeroGradient();
    const where = `step ${this.#step + 1}`;
    return engine.step(() => {
      const result = this.model.loss(batch, this.#carried);
      const loss = result.loss.item();
      if (!Number.isFinite(loss)) throw notFinite(`the loss of ${where} is ${loss}`);
      result.loss.backward();
      if (this.#clipValue < Number.POSITIVE_INFINITY) clipByValue(this.#parameters, this.#clipValue);
      const norm = gradientNorm(this.#parameters);
      if (!Number.isFinite(norm))
        throw notFinite(`the gradient norm of ${where} is ${norm} (its loss: ${loss})`);
      const learningRate = this.#learningRate(this.#step) * (this.#plateau?.state.factor ?? 1);
      this.optimizer.learningRate = learningRate;
      this.optimizer.step(clipScale(norm, this.#clip));
      this.#carried = carry(engine, this.#carried, result.carried);
      this.#step++;
      const clipped = norm > this.#clip;
      if (clipped) this.#clipped++;
      return {
        loss,
        gradientNorm: norm,
        clipped,
        clippedShare: this.clippedShare,
        learningRate,
        count: result.count,
      };
    });
  }

  /** Everything besides the weights that continuing bit for bit needs. */
  state(): TrainState {
    const tensors = new Map<string, SafeTensor>();
    const put = (name: string, tensor: Tensor): void => {
      const data = tensor.toArray();
      const { shape } = tensor;
      tensors.set(
        name,
        data instanceof Float32Array ? { dtype: "F32", shape, data } : { dtype: "I32", shape, data },
      );
    };
    for (const [slot, list] of Object.entries(this.optimizer.slots)) {
      for (const [i, tensor] of list.entries()) put(`optimizer.${slot}.${this.#names[i]}`, tensor);
    }
    for (const [i, tensor] of this.#carried.entries()) put(`carried.${i}`, tensor);
    const { engine } = this.model;
    const numbers = {
      step: this.#step,
      random: engine.random.state,
      build: engine.build,
      carried: this.#carried.map((tensor) => tensor.shape),
      clipped: this.#clipped,
      evaluated: this.#evaluated,
      ...(this.#plateau && { plateau: this.#plateau.state }),
    };
    return { tensors, numbers };
  }

  /**
   * Continues from a state. The model's weights must be those of the same moment.
   * @throws FormatError if a tensor is missing, does not fit, or is another optimizer's; nothing is changed then.
   */
  restore({ tensors, numbers }: TrainState): void {
    checkNumbers(numbers);
    if (numbers.step > this.steps) {
      throw new ConfigError(
        `the checkpoint is at step ${numbers.step}, but only ${this.steps} steps were asked for`,
      );
    }
    const get = (name: string, shape: readonly number[], mayBeIds = false): Float32Array | Int32Array => {
      const tensor = tensors.get(name);
      const isFitting = tensor?.dtype === "F32" || (mayBeIds && tensor?.dtype === "I32");
      const size = shape.reduce((product, n) => product * n, 1);
      if (!isFitting || tensor.shape.join() !== shape.join() || tensor.data.length !== size) {
        const got = tensor
          ? `${tensor.dtype} [${tensor.shape}] of ${tensor.data.length} elements`
          : "nothing";
        throw new FormatError(`checkpoint: ${name}: expected F32 [${shape}], got ${got}`);
      }
      return tensor.data;
    };
    const slots = Object.entries(this.optimizer.slots).flatMap(([slot, list]) =>
      list.map((tensor, i) => {
        const name = `optimizer.${slot}.${this.#names[i]}`;
        return { name, tensor, data: get(name, tensor.shape) };
      }),
    );
    const carried = numbers.carried.map((shape, i) => ({ shape, data: get(`carried.${i}`, shape, true) }));
    const known = new Set(slots.map(({ name }) => name));
    for (const name of tensors.keys()) {
      if (name.startsWith("optimizer.") && !known.has(name)) {
        throw new FormatError(`checkpoint: ${name}: this run's optimizer has no such state`);
      }
    }
    for (const { tensor, data } of slots) tensor.set(data);
    this.#dropCarried();
    const { engine } = this.model;
    this.#carried = carried.map(({ shape, data }) =>
      data instanceof Int32Array ? engine.ids(data, shape) : engine.tensor(data, shape),
    );
    this.optimizer.stepCount = numbers.step;
    engine.random.state = numbers.random;
    this.#step = numbers.step;
    this.#clipped = numbers.clipped;
    this.#evaluated = numbers.evaluated;
    if (this.#plateau && numbers.plateau) this.#plateau.state = { ...numbers.plateau };
  }

  /** Gives the memory of the optimizer and of the carried state back. */
  free(): void {
    this.#dropCarried();
    this.optimizer.free();
  }

  #dropCarried(): void {
    drop(this.#carried);
    this.#carried = [];
  }
}

/**
 * Trains a model on data, reporting as it goes:
 * `for await (const report of train(model, corpus, { steps: 1000 })) …`. Leaving the loop, or `signal`, stops it.
 * Timers and messages are served at least every 50 ms or so.
 * @throws ConfigError on an option out of range, NumericError on a loss or gradient that is not finite.
 */
export async function* train<B extends Batch>(
  model: Trainable<B>,
  data: DataSource<B>,
  options: TrainOptions = {},
): AsyncGenerator<TrainReport, void, undefined> {
  const trainer = new Trainer(model, data, options);
  try {
    yield* trainer.run();
  } finally {
    trainer.free();
  }
}

/** @throws FormatError unless the numbers are such as `Trainer.state` gives: they may come from a stranger's file. */
function checkNumbers({ step, random, carried, clipped, evaluated, plateau }: TrainNumbers): void {
  const isCount = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
  const isShape = (shape: unknown): boolean =>
    Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n > 0);
  const isPlateau = ({ factor, best, waited }: PlateauState): boolean =>
    factor >= 0 && factor <= 1 && (best === null || Number.isFinite(best)) && isCount(waited);
  const ok =
    isCount(step) &&
    isCount(random?.seed) &&
    isCount(random?.block) &&
    Array.isArray(carried) &&
    carried.every(isShape) &&
    isCount(clipped) &&
    isCount(evaluated) &&
    (plateau === undefined || (typeof plateau === "object" && plateau !== null && isPlateau(plateau)));
  if (!ok) {
    const got = JSON.stringify({ step, random, carried, clipped, evaluated, plateau });
    throw new FormatError(
      `checkpoint: expected step, random, carried, clipped, evaluated and plateau as a run saves them, got ${got}`,
    );
  }
}

function isEmpty(values: Iterable<unknown>): boolean {
  for (const _ of values) return false;
  return true;
}

function notFinite(what: string): NumericError {
  return new NumericError(
    `${what}: training stopped before the weights were changed. A lower learning rate, a warm-up or a lower clip ` +
      "limit usually helps",
  );
}

/** Speed over the last few seconds, and the time left at the speed of the whole run. */
function createClock(): (
  count: number,
  stepsLeft: number,
) => { tokensPerSecond: number; secondsLeft: number } {
  const start = performance.now();
  const marks: { time: number; total: number }[] = [{ time: start, total: 0 }];
  let total = 0;
  let steps = 0;
  return (count, stepsLeft) => {
    const now = performance.now();
    total += count;
    steps++;
    marks.push({ time: now, total });
    while (marks.length > 2 && now - marks[0].time > 3000) marks.shift();
    const [first] = marks;
    return {
      tokensPerSecond: (1000 * (total - first.total)) / (now - first.time),
      secondsLeft: ((now - start) / 1000 / steps) * stepsLeft,
    };
  };
}
