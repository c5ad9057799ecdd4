import type { Engine } from "../src/engine/engine.ts";
import { Embedding, Linear, LSTM, Module } from "../src/nn/index.ts";
import { createReferenceStep } from "../src/reference/language-model-step.ts";
import { crossEntropy } from "../src/tensor/ops.ts";
import type { Tensor } from "../src/tensor/tensor.ts";
import { clipScale, gradientNorm } from "../src/train/clip.ts";
import { Adam } from "../src/train/optimizers.ts";
import type { Entry } from "./entry.ts";

interface Workload {
  /** V */
  vocabSize: number;
  /** E */
  embeddingSize: number;
  /** H */
  hiddenSize: number;
  /** L */
  numLayers: number;
  /** B */
  batchSize: number;
  /** T */
  steps: number;
}

/** W1: a small character model, the size at which overhead shows. */
const W1: Workload = {
  vocabSize: 65,
  embeddingSize: 64,
  hiddenSize: 128,
  numLayers: 1,
  batchSize: 32,
  steps: 64,
};
/** W2: a word model, whose output layer takes most of the time. */
const W2: Workload = {
  vocabSize: 4096,
  embeddingSize: 256,
  hiddenSize: 256,
  numLayers: 2,
  batchSize: 16,
  steps: 64,
};
const CLIP = 1;
const LEARNING_RATE = 3e-3;

class Model extends Module {
  readonly embedding: Embedding;
  readonly lstm: LSTM;
  readonly decoder: Linear;

  constructor(engine: Engine, { vocabSize, embeddingSize, hiddenSize, numLayers }: Workload) {
    super();
    this.embedding = new Embedding(engine, { vocabSize, embeddingSize });
    this.lstm = new LSTM(engine, { inputSize: embeddingSize, hiddenSize, numLayers });
    this.decoder = new Linear(engine, { inputSize: hiddenSize, outputSize: vocabSize });
  }

  /** Token ids [T, B] to logits [T, B, V]. */
  forward(ids: Tensor): Tensor {
    return this.decoder.forward(this.lstm.forward(this.embedding.forward(ids)).output);
  }
}

/** Forward, backward, clipping by global norm and Adam: one training step, on the same tokens each time. */
function createStep(engine: Engine, workload: Workload): () => void {
  const { vocabSize, batchSize, steps } = workload;
  const model = new Model(engine, workload);
  const parameters = model.parameters();
  const optimizer = new Adam(parameters, { learningRate: LEARNING_RATE });
  const token = (_: unknown, i: number) => (Math.imul(i + 1, 0x9e3779b1) >>> 8) % vocabSize;
  const text = Int32Array.from({ length: steps * batchSize + 1 }, token);
  const ids = engine.ids(text.subarray(0, -1), [steps, batchSize]);
  const targets = engine.ids(text.subarray(1), [steps, batchSize]);
  return () => {
    engine.step(() => {
      model.zeroGradients();
      crossEntropy(model.forward(ids), targets).backward();
      optimizer.step(clipScale(gradientNorm(parameters), CLIP));
    });
  };
}

/** Of the matmuls in forward and backward; the backward pass takes twice the forward's. */
function matmulFlops({
  vocabSize: V,
  embeddingSize: E,
  hiddenSize: H,
  numLayers: L,
  batchSize: B,
  steps: T,
}: Workload): number {
  return 3 * 2 * T * B * (4 * H * (E + H + (L - 1) * 2 * H) + H * V);
}

export const trainingEntries: Entry[] = [
  {
    name: "train/W1",
    unit: "ms/step",
    flops: matmulFlops(W1),
    figure: (milliseconds) => milliseconds,
    onEngine: (engine) => createStep(engine, W1),
    onReference: () => createReferenceStep({ ...W1, seed: 1 }).step,
  },
  {
    name: "train/W2",
    unit: "ms/step",
    flops: matmulFlops(W2),
    figure: (milliseconds) => milliseconds,
    onEngine: (engine) => createStep(engine, W2),
  },
];
