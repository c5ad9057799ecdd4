import { AddingProblem, type Engine, NumericError, train } from "unrolled";
import { MemoryModel } from "../memory/model.ts";
import { parametersOf, scaleTo } from "./radius.ts";

export interface ClippingResult {
  /** Infinity: no clipping. JSON has no such number: null. */
  clip: number | null;
  /** Of each step of training. */
  gradientNorms: number[];
  /** How far the step moved the weights, as a norm. */
  updateNorms: number[];
  /** How far it would have moved them without clipping. */
  unclippedNorms: number[];
  losses: number[];
  /** Why training ended early, if it did. */
  stopped?: string;
}

const STEPS = 60;
const LENGTH = 50;
const RADIUS = 1.5;
const LEARNING_RATE = 0.05;

/** Trains a tanh network that starts with a spectral radius of 1.5 on the adding problem, by plain SGD. */
export async function measureClipping(engine: Engine, clip: number, seed: number): Promise<ClippingResult> {
  engine.random.state = { seed, block: 0 };
  const sizes = { inputSize: 2, hiddenSize: 64, outputSize: 1, longest: LENGTH };
  const model = new MemoryModel(engine, { cell: "rnn", ...sizes });
  scaleTo(parametersOf(model.rnn, "weight_hh")[0], RADIUS);
  const task = new AddingProblem({ length: LENGTH, batchSize: 16, seed });
  const result: ClippingResult = {
    clip: Number.isFinite(clip) ? clip : null,
    gradientNorms: [],
    updateNorms: [],
    unclippedNorms: [],
    losses: [],
  };
  const weights = () => model.parameters().map((parameter) => parameter.toArray());
  let before = weights();
  const options = { steps: STEPS, clip, optimizer: "sgd", schedule: "constant", evaluateEvery: 0 } as const;
  try {
    for await (const report of train(model, task, { ...options, learningRate: LEARNING_RATE })) {
      if (report.kind !== "step") continue;
      const after = weights();
      result.gradientNorms.push(report.gradientNorm);
      result.unclippedNorms.push(report.gradientNorm * LEARNING_RATE);
      result.losses.push(report.loss);
      result.updateNorms.push(distance(before, after));
      before = after;
    }
  } catch (error) {
    if (!(error instanceof NumericError)) throw error;
    result.stopped = error.message;
  }
  model.free();
  return result;
}

function distance(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  let squares = 0;
  for (const [p, values] of a.entries()) {
    for (let i = 0; i < values.length; i++) squares += (values[i] - b[p][i]) * (values[i] - b[p][i]);
  }
  return Math.sqrt(squares);
}
