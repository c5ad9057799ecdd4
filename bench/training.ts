/** W1 to W4: forward, backward, clipping by global norm and Adam, on the same tokens each time. */
import type { Engine } from "../src/engine/engine.ts";
import { LanguageModel } from "../src/models/language-model.ts";
import { crossEntropy } from "../src/tensor/ops.ts";
import { clipScale, gradientNorm } from "../src/train/clip.ts";
import { Adam } from "../src/train/optimizers.ts";
import type { Entry } from "./entry.ts";
import { createReferenceStep, randomWeights } from "./reference-model.ts";
import { type Training, trainingFlops, workloadsOf } from "./workloads.ts";

const CLIP = 1;
const LEARNING_RATE = 3e-3;

/** T·B + 1 ids: inputs are all but the last, targets all but the first. */
export function trainingTokens({ steps, batchSize, vocabSize }: Training): Int32Array {
  const token = (_: unknown, i: number) => (Math.imul(i + 1, 0x9e3779b1) >>> 8) % vocabSize;
  return Int32Array.from({ length: steps * batchSize + 1 }, token);
}

/** A training step, which returns its loss. */
export function createStep(model: LanguageModel, workload: Training): () => number {
  const { engine } = model;
  const { batchSize, steps } = workload;
  const parameters = model.parameters();
  const optimizer = new Adam(parameters, { learningRate: LEARNING_RATE });
  const text = trainingTokens(workload);
  const ids = engine.ids(text.subarray(0, -1), [steps, batchSize]);
  const targets = engine.ids(text.subarray(1), [steps, batchSize]);
  return () =>
    engine.step(() => {
      model.zeroGradients();
      const loss = crossEntropy(model.forward(ids).logits, targets);
      loss.backward();
      optimizer.step(clipScale(gradientNorm(parameters), CLIP));
      return loss.toArray()[0];
    });
}

/** The figures and the work of a training step, for any sizes. */
export function trainingEntry(workload: Training): Omit<Entry, "name" | "title"> {
  return {
    unit: "ms",
    flops: trainingFlops(workload),
    figure: (milliseconds) => milliseconds,
    onEngine: (engine: Engine) => createStep(new LanguageModel(engine, workload), workload),
  };
}

export const trainingEntries: Entry[] = workloadsOf("train").map((workload) => ({
  name: workload.name,
  title: workload.title,
  ...trainingEntry(workload),
  onReference: () => createReferenceStep(workload, randomWeights(workload), trainingTokens(workload)),
}));
