/**
 * jax-js on its WASM backend, all of a step in one jit. It has no loop in a jit, so the time steps are unrolled when it
 * is traced. In training the embedding is a matmul of one-hot rows: the gradient of a look-up cannot be jitted. An array
 * is used up by what it is given to, but for `.ref`.
 */
import { readFileSync } from "node:fs";
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { ADAM, CLIP, LEARNING_RATE, layerWeights, modelWeights, noise, tokens } from "./data.mjs";

await init("wasm");
defaultDevice("wasm");
const packageFile = new URL("node_modules/@jax-js/jax/package.json", import.meta.url);
export const name = `jax-js ${JSON.parse(readFileSync(packageFile, "utf8")).version} (wasm, jit)`;

const array = (data, shape) => np.array(data).reshape(shape);
const toObject = (weights) =>
  Object.fromEntries(weights.map(({ name, shape, data }) => [name, array(data, shape)]));

/** Work whose result is read if that is asked for. */
const kernel = (make) => async (reading) => {
  const result = make();
  if (reading) return result.data();
  await blockUntilReady(result);
  result.dispose();
};

const gates = (x, count) => np.split(x, count, -1);

/** The state after a step; `x` is the input's projection, with its bias, and `recurrent` makes the state's. */
const CELLS = {
  rnn: (x, recurrent, { h }) => ({ h: np.tanh(x.add(recurrent(h))) }),
  lstm: (x, recurrent, { h, c }) => {
    const [i, f, g, o] = gates(x.add(recurrent(h)), 4);
    const next = nn
      .sigmoid(f)
      .mul(c)
      .add(nn.sigmoid(i).mul(np.tanh(g)));
    return { h: nn.sigmoid(o).mul(np.tanh(next.ref)), c: next };
  },
  gru: (x, recurrent, { h }) => {
    const [xr, xz, xn] = gates(x, 3);
    const [hr, hz, hn] = gates(recurrent(h.ref), 3);
    const z = nn.sigmoid(xz.add(hz));
    const n = np.tanh(xn.add(nn.sigmoid(xr.add(hr)).mul(hn)));
    return { h: n.ref.add(z.mul(h.sub(n))) };
  },
};

/** x [T·B, I] to h of all steps [T·B, H] and the last state. Uses `w` up. */
function layer(cell, w, prefix, l, x, steps, batchSize, state) {
  const take = (part) => w[`${prefix}${part}_l${l}`];
  const hiddenSize = take("weight_hh").shape[1];
  // A GRU's second bias is inside of a product; otherwise both are added once, outside of the loop.
  const isInside = cell === "gru";
  const bias = isInside ? take("bias_ih") : take("bias_ih").add(take("bias_hh"));
  const projected = np.matmul(x, np.transpose(take("weight_ih"))).add(bias);
  const transposed = np.transpose(take("weight_hh"));
  const recurrent = (h) => {
    const product = np.matmul(h, transposed.ref);
    return isInside ? product.add(take("bias_hh").ref) : product;
  };
  state ??= {
    h: np.zeros([batchSize, hiddenSize]),
    ...(cell === "lstm" && { c: np.zeros([batchSize, hiddenSize]) }),
  };
  const xs = steps === 1 ? [projected] : np.split(projected, steps, 0);
  const outputs = xs.map((xt) => {
    state = CELLS[cell](xt, recurrent, state);
    return state.h.ref;
  });
  transposed.dispose();
  if (isInside) take("bias_hh").dispose();
  return { output: steps === 1 ? outputs[0] : np.concatenate(outputs, 0), state };
}

export async function train(workload) {
  const { cell, numLayers, vocabSize, steps, batchSize } = workload;
  const text = tokens(workload);
  const ids = np.array(text.slice(0, -1));
  const targets = np.array(text.slice(1));

  const lossOf = (w, ids, targets) => {
    let x = np.matmul(nn.oneHot(ids, vocabSize), w["embedding.weight"]);
    for (let l = 0; l < numLayers; l++) {
      const { output, state } = layer(cell, w, "rnn.", l, x, steps, batchSize);
      tree.dispose(state);
      x = output;
    }
    const logits = np.matmul(x, np.transpose(w["decoder.weight"])).add(w["decoder.bias"]);
    const chosen = nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, vocabSize));
    return chosen.sum().mul(-1 / (steps * batchSize));
  };

  /** `corrections` are 1 − β₁ᵗ and 1 − β₂ᵗ. */
  const step = jit((w, m, v, corrections, ids, targets) => {
    const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(w), ids, targets);
    const squares = Object.values(gradients).map((g) => np.square(g.ref).sum());
    const norm = np.sqrt(squares.reduce((a, b) => a.add(b)));
    const scale = np.minimum(np.array(CLIP).div(norm.add(1e-6)), 1);
    const [c1, c2] = np.split(corrections, 2, 0);
    const result = { w: {}, m: {}, v: {}, loss };
    for (const [name, gradient] of Object.entries(gradients)) {
      const g = gradient.mul(scale.ref);
      const m1 = m[name].mul(ADAM.beta1).add(g.ref.mul(1 - ADAM.beta1));
      const v1 = v[name].mul(ADAM.beta2).add(np.square(g).mul(1 - ADAM.beta2));
      const rate = m1.ref.div(c1.ref).mul(LEARNING_RATE);
      result.w[name] = w[name].sub(rate.div(np.sqrt(v1.ref.div(c2.ref)).add(ADAM.epsilon)));
      result.m[name] = m1;
      result.v[name] = v1;
    }
    tree.dispose([scale, c1, c2]);
    return result;
  });

  const weights = modelWeights(workload);
  const zeros = () => Object.fromEntries(weights.map(({ name, shape }) => [name, np.zeros(shape)]));
  let [w, m, v] = [toObject(weights), zeros(), zeros()];
  let beta1 = 1;
  let beta2 = 1;
  return async () => {
    beta1 *= ADAM.beta1;
    beta2 *= ADAM.beta2;
    const corrections = np.array(Float32Array.of(1 - beta1, 1 - beta2));
    const result = step(w, m, v, corrections, ids.ref, targets.ref);
    ({ w, m, v } = result);
    return result.loss.data();
  };
}

export function generate(workload) {
  const w = toObject(modelWeights(workload));
  const next = jit((w, h, c, id) => {
    const x = np.take(w["embedding.weight"], id, 0);
    const { output, state } = layer("lstm", w, "rnn.", 0, x, 1, 1, { h, c });
    const logits = np.matmul(output, np.transpose(w["decoder.weight"])).add(w["decoder.bias"]);
    return { id: np.argmax(logits, -1), ...state };
  });
  return async () => {
    const ids = [];
    let h = np.zeros([1, workload.hiddenSize]);
    let c = np.zeros([1, workload.hiddenSize]);
    let id = np.array(Int32Array.of(0));
    for (let i = 0; i < workload.length; i++) {
      ({ id, h, c } = next(tree.ref(w), h, c, id));
      ids.push((await id.ref.data())[0]);
    }
    tree.dispose([id, h, c]);
    return ids;
  };
}

export function forward({ batchSize, steps, inputSize, hiddenSize }) {
  const w = toObject(layerWeights("lstm", inputSize, hiddenSize, 0, 10));
  const x = array(noise(steps * batchSize * inputSize, 1), [steps * batchSize, inputSize]);
  const run = jit((w, x) => {
    const { output, state } = layer("lstm", w, "", 0, x, steps, batchSize);
    tree.dispose(state);
    return output;
  });
  return () => run(tree.ref(w), x.ref).data();
}

export function gemm({ m, k, n }) {
  const a = array(noise(m * k, 1), [m, k]);
  const b = array(noise(k * n, 2), [k, n]);
  const run = jit((a, b) => np.matmul(a, b));
  return kernel(() => run(a.ref, b.ref));
}

export function unary({ operation, count }) {
  const x = np.array(noise(count, 1, 8));
  const run = jit({ tanh: np.tanh, sigmoid: nn.sigmoid }[operation]);
  return kernel(() => run(x.ref));
}
