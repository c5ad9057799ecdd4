/** Unrolled as `npm run build` made it: the fastest build that this runtime loads. */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { CLIP, LEARNING_RATE, layerWeights, modelWeights, noise, THREADS, tokens } from "./data.mjs";

// Node 20 and 21 have relaxed SIMD behind a flag; later ones have it without, and refuse the flag.
if (Number(process.versions.node.split(".")[0]) < 22) setFlagsFromString("--experimental-wasm-relaxed-simd");
const unrolled = await import("../../build/index.js");
const engine = await unrolled.createEngine({ numerics: "fast", threads: THREADS });

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
export const name = `Unrolled ${version}`;

/** Work whose result is read if that is asked for. */
const kernel = (make) => (reading) =>
  engine.infer(() => {
    const result = make();
    return reading ? result.toArray() : undefined;
  });

const toMap = (weights) =>
  new Map(weights.map(({ name, shape, data }) => [name, { dtype: "F32", shape, data }]));

function createModel(workload) {
  const { cell, numLayers, vocabSize, embeddingSize, hiddenSize } = workload;
  const model = new unrolled.LanguageModel(engine, { cell, numLayers, vocabSize, embeddingSize, hiddenSize });
  unrolled.loadStateDict(model, toMap(modelWeights(workload)));
  return model;
}

export function train(workload) {
  const { steps, batchSize } = workload;
  const model = createModel(workload);
  const parameters = model.parameters();
  const optimizer = new unrolled.Adam(parameters, { learningRate: LEARNING_RATE });
  const text = tokens(workload);
  const ids = engine.ids(text.subarray(0, -1), [steps, batchSize]);
  const targets = engine.ids(text.subarray(1), [steps, batchSize]);
  return () =>
    engine.step(() => {
      model.zeroGradients();
      const loss = unrolled.crossEntropy(model.forward(ids).logits, targets);
      loss.backward();
      optimizer.step(unrolled.clipScale(unrolled.gradientNorm(parameters), CLIP));
      return loss.toArray();
    });
}

export function generate(workload) {
  const model = createModel(workload);
  return async () => {
    const ids = [];
    for await (const { id } of unrolled.generate(model, [0], { length: workload.length, temperature: 0 })) {
      ids.push(id);
    }
    return ids;
  };
}

export function forward({ batchSize, steps, inputSize, hiddenSize }) {
  const layer = new unrolled.LSTM(engine, { inputSize, hiddenSize });
  unrolled.loadStateDict(layer, toMap(layerWeights("lstm", inputSize, hiddenSize, 0, 10)));
  const x = engine.tensor(noise(steps * batchSize * inputSize, 1), [steps, batchSize, inputSize]);
  return () => engine.infer(() => layer.forward(x).output.toArray());
}

export function gemm({ m, k, n }) {
  const a = engine.tensor(noise(m * k, 1), [m, k]);
  const b = engine.tensor(noise(k * n, 2), [k, n]);
  return kernel(() => unrolled.matmul(a, b));
}

export function unary({ operation, count }) {
  const x = engine.tensor(noise(count, 1, 8), [count]);
  return kernel(() => unrolled[operation](x));
}
