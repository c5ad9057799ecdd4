import { afterAll, expect, it } from "vitest";
import {
  type DataSource,
  type LanguageBatch,
  LanguageModel,
  loadStateDict,
  stateDict,
  Trainer,
} from "../../src/index.ts";
import type { TrainOptions } from "../../src/train/train.ts";
import { expectClose } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { readFixture } from "../helpers/fixtures.ts";

const fixture = readFixture("curves");
const number = (key: string): number => Number(fixture.metadata[key]);
const STEPS = number("steps");

/** PyTorch's batches: one text in four columns, ten tokens a step; every batch but the first goes on. */
const data: DataSource<LanguageBatch> = {
  stepsPerEpoch: STEPS,
  trainBatch(step) {
    const [steps, batchSize] = [number("T"), number("B")];
    const size = steps * batchSize;
    const part = (name: string): Int32Array => fixture.ids(name).data.slice(step * size, (step + 1) * size);
    return { inputs: part("inputs"), targets: part("targets"), steps, batchSize, continues: step > 0 };
  },
  validationBatches: () => [],
};

const initial = new Map(
  fixture.names
    .filter((name) => name.startsWith("init."))
    .map((name) => [name.slice("init.".length), { dtype: "F32" as const, ...fixture.get(name) }]),
);

const CASES: Record<string, Partial<TrainOptions>> = {
  sgd: { optimizer: "sgd", learningRate: number("sgd.lr"), momentum: number("sgd.momentum") },
  rmsprop: {
    optimizer: "rmsprop",
    learningRate: number("rmsprop.lr"),
    momentum: number("rmsprop.momentum"),
    weightDecay: number("rmsprop.weight_decay"),
  },
  adam: { optimizer: "adam", learningRate: number("adam.lr") },
  adamw: { optimizer: "adamw", learningRate: number("adamw.lr"), weightDecay: number("adamw.weight_decay") },
};

/** Each number by itself, not relative to the curve's largest. */
function expectCurve(actual: number[], expected: Float32Array, tolerance: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (const [step, value] of actual.entries()) {
    expectClose([value], [expected[step]], tolerance, `${what} at step ${step + 1}`);
  }
}

forEachBuild((_, create) => {
  const engines: { close(): void }[] = [];
  afterAll(() => {
    for (const engine of engines) engine.close();
  });

  it.each(Object.entries(CASES))(
    "%s: loss and gradient norm of 100 steps are PyTorch's",
    async (name, options) => {
      const engine = await create();
      engines.push(engine);
      const model = new LanguageModel(engine, {
        vocabSize: number("vocabSize"),
        embeddingSize: number("embeddingSize"),
        hiddenSize: number("hiddenSize"),
        numLayers: number("numLayers"),
      });
      loadStateDict(model, initial);
      const run = {
        ...options,
        steps: STEPS,
        schedule: "constant",
        clip: number("maxNorm"),
        evaluateEvery: 0,
      } as const;
      const trainer = new Trainer(model, data, run);
      const losses: number[] = [];
      const norms: number[] = [];
      let clipped = 0;
      for await (const report of trainer.run()) {
        if (report.kind !== "step") continue;
        losses.push(report.loss);
        norms.push(report.gradientNorm);
        if (report.clipped) clipped++;
      }
      expectCurve(losses, fixture.get(`loss.${name}`).data, 1e-3, "loss");
      expectCurve(norms, fixture.get(`norm.${name}`).data, 5e-3, "gradient norm");
      expect(clipped).toBe(number(`${name}.clippedSteps`));
      if (name !== "adam") return;
      for (const [parameter, tensor] of stateDict(model)) {
        expectClose(
          tensor.data as Float32Array,
          fixture.get(`final.adam.${parameter}`).data,
          1e-3,
          parameter,
        );
      }
    },
  );
});
