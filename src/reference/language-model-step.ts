/**
 * A whole training step of a small recurrent language model in plain TypeScript: embedding, LSTM, linear, mean
 * cross-entropy, backward, clipping to global norm 1, Adam at 3e-3. Benchmarks compare the engine with it.
 */
import { clipByGlobalNorm } from "./clip.ts";
import { embeddingBackward, embeddingForward } from "./embedding.ts";
import { gemm } from "./gemm.ts";
import { createLstmGradients, createLstmState, lstmBackward, lstmForward } from "./lstm.ts";
import { adam, createAdamState } from "./optimizers.ts";
import { philox4x32 } from "./philox.ts";
import { addColumnSums, currentStates, fillRows } from "./recurrent.ts";
import { softmaxCrossEntropy } from "./softmax-cross-entropy.ts";

export interface ReferenceStepOptions {
  /** V */
  vocabSize: number;
  /** E */
  embeddingSize: number;
  /** H */
  hiddenSize: number;
  /** B */
  batchSize: number;
  /** T */
  steps: number;
  /** 0 to 2³²−1: decides the weights and the ids. */
  seed: number;
}

export interface ReferenceStep {
  /** One training step, always on the same random ids, from a zero state. Returns the loss before the update. */
  step(): number;
}

export function createReferenceStep(options: ReferenceStepOptions): ReferenceStep {
  const { vocabSize: V, embeddingSize: E, hiddenSize: H, batchSize: B, steps: T, seed } = options;
  const rows = T * B;
  const uniform = uniformNumbers(seed);
  const random = (size: number, bound: number) =>
    Float32Array.from({ length: size }, () => bound * (2 * uniform() - 1));
  const randomIds = () => Int32Array.from({ length: rows }, () => Math.floor(V * uniform()));
  const bound = 1 / Math.sqrt(H);

  const table = random(V * E, Math.sqrt(3));
  const lstm = {
    steps: T,
    batch: B,
    inputSize: E,
    hiddenSize: H,
    x: new Float32Array(rows * E),
    h0: new Float32Array(B * H),
    c0: new Float32Array(B * H),
    weightIh: random(4 * H * E, bound),
    weightHh: random(4 * H * H, bound),
    biasIh: random(4 * H, bound),
    biasHh: random(4 * H, bound),
  };
  const weight = random(V * H, bound);
  const bias = random(V, bound);
  const ids = randomIds();
  const targets = randomIds();

  const state = createLstmState(lstm);
  const output = currentStates(lstm, state.hidden);
  const logits = new Float32Array(rows * V);
  const dLogits = new Float32Array(rows * V);
  const backward = {
    ...lstm,
    ...state,
    dHidden: new Float32Array(state.hidden.length),
    dCell: new Float32Array(state.cell.length),
  };
  const dOutput = currentStates(lstm, backward.dHidden);
  const gradients = createLstmGradients(lstm);
  const dTable = new Float32Array(table.length);
  const dWeight = new Float32Array(weight.length);
  const dBias = new Float32Array(V);

  const parameters = [
    { value: table, gradient: dTable },
    { value: lstm.weightIh, gradient: gradients.dWeightIh },
    { value: lstm.weightHh, gradient: gradients.dWeightHh },
    { value: lstm.biasIh, gradient: gradients.dBiasIh },
    { value: lstm.biasHh, gradient: gradients.dBiasHh },
    { value: weight, gradient: dWeight },
    { value: bias, gradient: dBias },
  ].map((parameter) => ({ ...parameter, state: createAdamState(parameter.value.length) }));
  const allGradients = parameters.map(({ gradient }) => gradient);

  function step(): number {
    embeddingForward(ids, E, table, lstm.x);
    lstmForward(lstm, state);
    fillRows(rows, V, logits, bias);
    gemm(false, true, rows, V, H, output, weight, logits, true);
    const { loss } = softmaxCrossEntropy({ rows, classes: V, logits, targets }, dLogits);

    for (const gradient of allGradients) gradient.fill(0);
    gemm(false, false, rows, H, V, dLogits, weight, dOutput);
    gemm(true, false, V, H, rows, dLogits, output, dWeight, true);
    addColumnSums(rows, V, dLogits, dBias);
    lstmBackward(backward, gradients);
    embeddingBackward(ids, E, gradients.dx, dTable);

    clipByGlobalNorm(allGradients, 1);
    for (const { value, gradient, state } of parameters) adam(value, gradient, state, { learningRate: 3e-3 });
    return loss;
  }
  return { step };
}

/** Numbers from 0 (included) to 1 (excluded), one after another, from Philox with counters 0, 1, 2 … */
function uniformNumbers(seed: number): () => number {
  let drawn = 0;
  let words: readonly number[] = [];
  return () => {
    if (drawn % 4 === 0) words = philox4x32([drawn / 4, 0, 0, 0], [seed, 0]);
    return words[drawn++ % 4] / 2 ** 32;
  };
}
