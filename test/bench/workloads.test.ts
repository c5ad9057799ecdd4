import { afterAll, describe, expect, test } from "vitest";
import { writeIds } from "../../bench/generation.ts";
import { createReferenceGenerator, createReferenceStep } from "../../bench/reference-model.ts";
import { createStep, trainingTokens } from "../../bench/training.ts";
import {
  forwardFlops,
  gemmFlops,
  generationFlops,
  parameterCount,
  type Training,
  trainingFlops,
  workloadsOf,
} from "../../bench/workloads.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { LanguageModel } from "../../src/models/language-model.ts";
import { stateDict } from "../../src/nn/state-dict.ts";

const engine = await createEngine({ threads: 1, seed: 3 });
afterAll(() => engine.close());

const small = { vocabSize: 11, embeddingSize: 5, hiddenSize: 6, batchSize: 3, steps: 4 };
const sizes: Training[] = (["rnn", "lstm", "gru"] as const).flatMap((cell) =>
  [1, 2].map((numLayers) => ({ ...small, cell, numLayers })),
);

/** A model's weights as the reference takes them: copies of what they are now. */
function weightsOf(model: LanguageModel): (name: string) => Float32Array {
  const tensors = stateDict(model);
  return (name) => {
    const tensor = tensors.get(name);
    if (tensor?.dtype !== "F32") throw new Error(`the model has no ${name}`);
    return tensor.data;
  };
}

describe.each(sizes)("$cell, $numLayers layers", (workload) => {
  test("the engine and the reference do the same training steps", () => {
    const model = new LanguageModel(engine, workload);
    const reference = createReferenceStep(workload, weightsOf(model), trainingTokens(workload));
    const step = createStep(model, workload);
    for (let i = 0; i < 5; i++) expect(step()).toBeCloseTo(reference(), 4);
  });

  test("the reference starts near log V and learns its batch by heart", () => {
    const weights = weightsOf(new LanguageModel(engine, workload));
    const step = createReferenceStep(workload, weights, trainingTokens(workload));
    const first = step();
    expect(Math.abs(first - Math.log(workload.vocabSize))).toBeLessThan(0.5);
    let last = first;
    for (let i = 0; i < 400; i++) last = step();
    expect(last).toBeLessThan(0.2);
  });

  test("the number of parameters is the model's", () => {
    expect(parameterCount(workload)).toBe(new LanguageModel(engine, workload).parameterCount);
  });
});

test("the engine and the reference write the same ids", async () => {
  const workload = { ...small, cell: "lstm" as const, numLayers: 1, length: 50 };
  const model = new LanguageModel(engine, workload);
  // Untrained it would write one id again and again.
  const step = createStep(model, workload);
  for (let i = 0; i < 200; i++) step();
  const ids = await writeIds(model, workload.length);
  expect(createReferenceGenerator(workload, weightsOf(model))()).toEqual(ids);
  expect(new Set(ids).size).toBeGreaterThan(3);
});

test("operations of matmuls, against sums done by hand", () => {
  const [w1, w2, w3, w4] = workloadsOf("train").map(trainingFlops);
  // Three times forward: of a token W_hh, W_ih and the output; but the first W_ih of a character, if they are few.
  expect(w1).toBe(3 * 2 * (65 * 512 * 64 + 2048 * (512 * 128 + 65 * 128)));
  expect(w2).toBe(3 * 2 * 1024 * (4 * 1024 * 256 + 4096 * 256));
  expect(w3).toBe(3 * 2 * (65 * 384 * 64 + 2048 * (384 * 128 + 65 * 128)));
  expect(w4).toBe(3 * 2 * (65 * 128 * 64 + 2048 * (128 * 128 + 65 * 128)));
  expect(workloadsOf("generate").map(generationFlops)).toEqual([2 * 1000 * (512 * 128 + 65 * 128)]);
  expect(workloadsOf("forward").map(forwardFlops)).toEqual([256 * 2 * 1024 * 512]);
  expect(gemmFlops({ m: 2, k: 3, n: 5 })).toBe(60);
});
