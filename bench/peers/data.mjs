/**
 * The operands of every workload: the same numbers for every peer, so that their results can be compared.
 * pytorch_peer.py makes the same ones.
 */

/** How many threads to use: the last argument of the process. */
export const THREADS = Number(process.argv.at(-1));

export const LEARNING_RATE = 3e-3;
export const CLIP = 1;
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const GATES = { lstm: 4, gru: 3, rnn: 1 };

/** Numbers in [−scale, scale), the same for the same seed, rounded to f32 before they are scaled. */
export function noise(count, seed, scale = 1) {
  const factor = Math.fround(scale);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let x = Math.imul(i + 1 + Math.imul(seed, 0x1000193), 0x9e3779b1);
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x ^= x >>> 13;
    values[i] = Math.fround((x >>> 0) / 2 ** 31 - 1) * factor;
  }
  return values;
}

/** steps · batchSize + 1 token ids: inputs are all but the last, targets all but the first. */
export function tokens({ vocabSize, steps, batchSize }) {
  return Int32Array.from({ length: steps * batchSize + 1 }, (_, i) => {
    const x = Math.imul(i + 1, 0x9e3779b1);
    return ((x ^ (x >>> 15)) >>> 8) % vocabSize;
  });
}

/** The weights of one recurrent layer under PyTorch's names: [name, shape, data]. */
export function layerWeights(cell, inputSize, hiddenSize, layer, seed) {
  const rows = GATES[cell] * hiddenSize;
  const shapes = {
    weight_ih: [rows, inputSize],
    weight_hh: [rows, hiddenSize],
    bias_ih: [rows],
    bias_hh: [rows],
  };
  return Object.entries(shapes).map(([name, shape], i) =>
    weight(`${name}_l${layer}`, shape, seed + i, 1 / Math.sqrt(hiddenSize)),
  );
}

/** All parameters of a language model under the names of Unrolled's LanguageModel, in its order. */
export function modelWeights({ cell, numLayers, vocabSize, embeddingSize, hiddenSize }) {
  const weights = [weight("embedding.weight", [vocabSize, embeddingSize], 1, 1)];
  for (let layer = 0; layer < numLayers; layer++) {
    const inputSize = layer === 0 ? embeddingSize : hiddenSize;
    for (const { name, ...rest } of layerWeights(cell, inputSize, hiddenSize, layer, 10 + 4 * layer)) {
      weights.push({ name: `rnn.${name}`, ...rest });
    }
  }
  const scale = 1 / Math.sqrt(hiddenSize);
  weights.push(weight("decoder.weight", [vocabSize, hiddenSize], 2, scale));
  weights.push(weight("decoder.bias", [vocabSize], 3, scale));
  return weights;
}

function weight(name, shape, seed, scale) {
  return {
    name,
    shape,
    data: noise(
      shape.reduce((a, b) => a * b),
      seed,
      scale,
    ),
  };
}
