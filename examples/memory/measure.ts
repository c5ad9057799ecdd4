import { createEngine, train } from "unrolled";
import { type Cell, hiddenSizeFor, MemoryModel } from "./model.ts";
import { PROFILES, type TaskName, type TaskProfile } from "./tasks.ts";

/** One model to train: what a worker is given. */
export interface Job {
  task: TaskName;
  cell: Cell;
  length: number;
  steps: number;
  seed: number;
}

export interface Result extends Job {
  hiddenSize: number;
  parameters: number;
  /** Steps trained, fewer than `steps` if the goal was reached. */
  trained: number;
  /** On data never trained on; see the task's profile for which error. */
  error: number;
  /** The error of the best answer that remembers nothing. */
  baseline: number;
  /** The share of right answers. */
  right: number;
  seconds: number;
}

const PARAMETERS = 4500;
const BATCH_SIZE = 64;
const WARMUP = 50;
const EVALUATE_EVERY = 100;

/**
 * Trains one model on one task and measures it. Each seed has its own weights and its own data.
 * @param onStep called with the number of steps done, after each.
 */
export async function measure(job: Job, onStep: (step: number) => void): Promise<Result> {
  const { cell, length, steps, seed } = job;
  const started = performance.now();
  const profile: TaskProfile = PROFILES[job.task];
  const task = profile.create({ length, batchSize: BATCH_SIZE, seed });
  const { inputSize, outputSize } = task;
  const hiddenSize = hiddenSizeFor(cell, inputSize, outputSize, PARAMETERS);
  const engine = await createEngine({ seed, threads: 1 });
  const model = new MemoryModel(engine, { cell, inputSize, hiddenSize, outputSize, longest: length });
  const options = {
    steps,
    learningRate: profile.learningRate[cell],
    warmup: Math.min(WARMUP, steps),
    evaluateEvery: EVALUATE_EVERY,
  };
  let trained = 0;
  let error = Number.NaN;
  for await (const report of train(model, task, options)) {
    trained = report.step;
    if (report.kind === "step") {
      onStep(trained);
      continue;
    }
    error = profile.errorOf(report.loss, length);
    if (error <= profile.goal) break;
  }

  let right = 0;
  let asked = 0;
  for (const batch of task.validationBatches()) {
    const outputs = engine.infer(() => model.forward(batch).toArray() as Float32Array);
    const counts = profile.right(outputs, batch);
    right += counts.right;
    asked += counts.asked;
  }
  const { parameterCount } = model;
  engine.close();
  return {
    ...job,
    hiddenSize,
    parameters: parameterCount,
    trained,
    error,
    baseline: profile.errorOf(task.baselineLoss, length),
    right: right / asked,
    seconds: (performance.now() - started) / 1000,
  };
}
