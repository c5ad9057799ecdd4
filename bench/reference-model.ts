/** W1 to W5 in plain TypeScript, of any cell and depth: what the engine's times are set against. */
import { logistic } from "../src/reference/activations.ts";
import { clipByGlobalNorm } from "../src/reference/clip.ts";
import { embeddingBackward, embeddingForward } from "../src/reference/embedding.ts";
import { gemm, gemmPacked, packRight } from "../src/reference/gemm.ts";
import { createGruGradients, createGruState, gruBackward, gruForward } from "../src/reference/gru.ts";
import { createLstmGradients, createLstmState, lstmBackward, lstmForward } from "../src/reference/lstm.ts";
import { adam, createAdamState } from "../src/reference/optimizers.ts";
import {
  addColumnSums,
  currentStates,
  fillRows,
  type RecurrentGradients,
  type RecurrentOptions,
} from "../src/reference/recurrent.ts";
import { createRnnGradients, createRnnState, rnnBackward, rnnForward } from "../src/reference/rnn.ts";
import { softmaxCrossEntropy } from "../src/reference/softmax-cross-entropy.ts";
import { noise } from "./entry.ts";
import { type Cell, GATES, type Generation, type ModelSizes, type Training } from "./workloads.ts";

/** A language model's weights under the names of `LanguageModel`'s state dict. */
export type Weights = (name: string) => Float32Array;

/** Weights as large as those a model starts from, the same in every run. */
export function randomWeights(sizes: ModelSizes): Weights {
  const { cell, vocabSize, embeddingSize, hiddenSize } = sizes;
  const rows = GATES[cell] * hiddenSize;
  const bound = 1 / Math.sqrt(hiddenSize);
  return (name) => {
    if (name === "embedding.weight") return noise(vocabSize * embeddingSize);
    if (name === "decoder.weight") return noise(vocabSize * hiddenSize, bound);
    if (name === "decoder.bias") return noise(vocabSize, bound);
    if (name.startsWith("rnn.bias")) return noise(rows, bound);
    return noise(rows * (name === "rnn.weight_ih_l0" ? embeddingSize : hiddenSize), bound);
  };
}

/** One recurrent layer with the arrays that it reads and writes. */
interface Layer {
  options: RecurrentOptions;
  gradients: RecurrentGradients;
  /** [T, B, H], and its gradient, which backward() reads. */
  output: Float32Array;
  dOutput: Float32Array;
  forward(): void;
  backward(): void;
}

function createLayer(cell: Cell, options: RecurrentOptions): Layer {
  const { steps, batch, hiddenSize } = options;
  const dHidden = new Float32Array((steps + 1) * batch * hiddenSize);
  const common = { options, dOutput: currentStates(options, dHidden) };
  if (cell === "lstm") {
    const all = { ...options, c0: new Float32Array(batch * hiddenSize) };
    const state = createLstmState(all);
    const gradients = createLstmGradients(all);
    const back = { ...all, ...state, dHidden, dCell: new Float32Array(dHidden.length) };
    return {
      ...common,
      gradients,
      output: currentStates(all, state.hidden),
      forward: () => lstmForward(all, state),
      backward: () => lstmBackward(back, gradients),
    };
  }
  if (cell === "gru") {
    const all = { ...options, resetAfter: true };
    const state = createGruState(all);
    const gradients = createGruGradients(all);
    const back = { ...all, ...state, dHidden };
    return {
      ...common,
      gradients,
      output: currentStates(all, state.hidden),
      forward: () => gruForward(all, state),
      backward: () => gruBackward(back, gradients),
    };
  }
  const all = { ...options, nonlinearity: "tanh" as const };
  const state = createRnnState(all);
  const gradients = createRnnGradients(all);
  const back = { ...all, ...state, dHidden };
  return {
    ...common,
    gradients,
    output: currentStates(all, state.hidden),
    forward: () => rnnForward(all, state),
    backward: () => rnnBackward(back, gradients),
  };
}

/** A training step from a zero state: forward, backward, clipping to norm 1, Adam at 3e-3. It returns its loss. */
export function createReferenceStep(workload: Training, weights: Weights, tokens: Int32Array): () => number {
  const { cell, numLayers, vocabSize: V, embeddingSize: E, hiddenSize: H } = workload;
  const { batchSize, steps } = workload;
  const rows = steps * batchSize;
  const ids = tokens.subarray(0, rows);
  const targets = tokens.subarray(1);
  const table = weights("embedding.weight");
  const dTable = new Float32Array(table.length);
  const embedded = new Float32Array(rows * E);

  const layers: Layer[] = [];
  for (let l = 0; l < numLayers; l++) {
    const options = {
      steps,
      batch: batchSize,
      inputSize: l === 0 ? E : H,
      hiddenSize: H,
      x: layers.at(-1)?.output ?? embedded,
      h0: new Float32Array(batchSize * H),
      weightIh: weights(`rnn.weight_ih_l${l}`),
      weightHh: weights(`rnn.weight_hh_l${l}`),
      biasIh: weights(`rnn.bias_ih_l${l}`),
      biasHh: weights(`rnn.bias_hh_l${l}`),
    };
    layers.push(createLayer(cell, options));
  }
  const { output, dOutput } = layers.at(-1)!;

  const weight = weights("decoder.weight");
  const bias = weights("decoder.bias");
  const dWeight = new Float32Array(weight.length);
  const dBias = new Float32Array(V);
  const logits = new Float32Array(rows * V);
  const dLogits = new Float32Array(rows * V);

  const parameters = [
    [table, dTable],
    ...layers.flatMap(({ options, gradients }) => [
      [options.weightIh, gradients.dWeightIh],
      [options.weightHh, gradients.dWeightHh],
      [options.biasIh!, gradients.dBiasIh],
      [options.biasHh!, gradients.dBiasHh],
    ]),
    [weight, dWeight],
    [bias, dBias],
  ].map(([value, gradient]) => ({ value, gradient, state: createAdamState(value.length) }));
  const allGradients = parameters.map(({ gradient }) => gradient);

  return () => {
    embeddingForward(ids, E, table, embedded);
    for (const layer of layers) layer.forward();
    fillRows(rows, V, logits, bias);
    gemm(false, true, rows, V, H, output, weight, logits, true);
    const { loss } = softmaxCrossEntropy({ rows, classes: V, logits, targets }, dLogits);

    for (const gradient of allGradients) gradient.fill(0);
    gemm(false, false, rows, H, V, dLogits, weight, dOutput);
    gemm(true, false, V, H, rows, dLogits, output, dWeight, true);
    addColumnSums(rows, V, dLogits, dBias);
    for (let l = numLayers - 1; l >= 0; l--) {
      layers[l].backward();
      if (l > 0) layers[l - 1].dOutput.set(layers[l].gradients.dx);
    }
    embeddingBackward(ids, E, layers[0].gradients.dx, dTable);

    clipByGlobalNorm(allGradients, 1);
    for (const { value, gradient, state } of parameters) adam(value, gradient, state, { learningRate: 3e-3 });
    return loss;
  };
}

/** Writes ids after id 0, each the likeliest one, with an LSTM of one layer whose weights are packed once. */
export function createReferenceGenerator(workload: Generation, weights: Weights): () => number[] {
  const { vocabSize: V, embeddingSize: E, hiddenSize: H, length } = workload;
  const table = weights("embedding.weight");
  const input = packRight(true, E, 4 * H, weights("rnn.weight_ih_l0"));
  const recurrent = packRight(true, H, 4 * H, weights("rnn.weight_hh_l0"));
  const decoder = packRight(true, H, V, weights("decoder.weight"));
  const innerBias = weights("rnn.bias_hh_l0");
  const bias = weights("rnn.bias_ih_l0").map((b, i) => b + innerBias[i]);
  const decoderBias = weights("decoder.bias");
  const gates = new Float32Array(4 * H);
  const logits = new Float32Array(V);
  return () => {
    const h = new Float32Array(H);
    const c = new Float32Array(H);
    const ids: number[] = [];
    for (let id = 0; ids.length < length; ids.push(id)) {
      gates.set(bias);
      gemmPacked(false, 1, input, table.subarray(id * E), E, gates, 4 * H, true);
      gemmPacked(false, 1, recurrent, h, H, gates, 4 * H, true);
      for (let k = 0; k < H; k++) {
        c[k] = logistic(gates[H + k]) * c[k] + logistic(gates[k]) * Math.tanh(gates[2 * H + k]);
        h[k] = logistic(gates[3 * H + k]) * Math.tanh(c[k]);
      }
      logits.set(decoderBias);
      gemmPacked(false, 1, decoder, h, H, logits, V, true);
      id = 0;
      for (let v = 1; v < V; v++) if (logits[v] > logits[id]) id = v;
    }
    return ids;
  };
}
