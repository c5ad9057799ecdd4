/**
 * TensorFlow.js, in eager mode, as it trains. The embedding is a matmul of one-hot rows: the gradient of a look-up
 * needs an operation that the WASM backend does not have.
 */
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { ADAM, CLIP, LEARNING_RATE, layerWeights, modelWeights, noise, tokens } from "./data.mjs";

/** Chooses "wasm" or "cpu"; returns the name with the version. */
export async function start(backend) {
  if (backend === "wasm") {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    setWasmPaths(fileURLToPath(new URL("node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url)));
  }
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} did not start`);
  return `TensorFlow.js ${tf.version.tfjs} (${backend})`;
}

/** The numbers of a tensor that `make` returns. Not read inside tidy(), which would walk through all that it returns. */
function read(make) {
  const tensor = tf.tidy(make);
  const values = tensor.dataSync();
  tensor.dispose();
  return values;
}

/** Work whose result is read if that is asked for. */
const kernel = (make) => (reading) => (reading ? read(make) : make().dispose());

/** Matrices but the embedding transposed, [I, O]: the backend's fast matmul is the one that transposes nothing. */
function toVariables(weights) {
  const entries = weights.map(({ name, shape, data }) => {
    const tensor = tf.tensor(data, shape);
    const isProjection = shape.length === 2 && name !== "embedding.weight";
    return [name, tf.variable(isProjection ? tensor.transpose() : tensor)];
  });
  return Object.fromEntries(entries);
}

/** The state after a step; `x` is the input's projection, with its bias, and `recurrent` makes the state's. */
const CELLS = {
  rnn: (x, recurrent, { h }) => ({ h: tf.tanh(x.add(recurrent(h))) }),
  lstm: (x, recurrent, { h, c }) => {
    const [i, f, g, o] = tf.split(x.add(recurrent(h)), 4, 1);
    const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    return { h: o.sigmoid().mul(next.tanh()), c: next };
  },
  gru: (x, recurrent, { h }) => {
    const [xr, xz, xn] = tf.split(x, 3, 1);
    const [hr, hz, hn] = tf.split(recurrent(h), 3, 1);
    const z = xz.add(hz).sigmoid();
    const n = xn.add(xr.add(hr).sigmoid().mul(hn)).tanh();
    return { h: n.add(z.mul(h.sub(n))) };
  },
};

/** x [T·B, I] to h of all steps [T·B, H] and the last state. */
function layer(cell, w, prefix, l, x, steps, batchSize, state) {
  const take = (part) => w[`${prefix}${part}_l${l}`];
  const [hiddenSize] = take("weight_hh").shape;
  // A GRU's second bias is inside of a product; otherwise both are added once, outside of the loop.
  const isInside = cell === "gru";
  const bias = isInside ? take("bias_ih") : take("bias_ih").add(take("bias_hh"));
  const projected = tf.matMul(x, take("weight_ih")).add(bias);
  const recurrent = (h) => {
    const product = tf.matMul(h, take("weight_hh"));
    return isInside ? product.add(take("bias_hh")) : product;
  };
  const zeros = () => tf.zeros([batchSize, hiddenSize]);
  let current = state ?? { h: zeros(), c: zeros() };
  const outputs = tf.split(projected, steps, 0).map((xt) => {
    current = CELLS[cell](xt, recurrent, current);
    return current.h;
  });
  return { output: tf.concat(outputs, 0), state: current };
}

export function train(workload) {
  const { cell, numLayers, vocabSize, steps, batchSize } = workload;
  const w = toVariables(modelWeights(workload));
  const optimizer = tf.train.adam(LEARNING_RATE, ADAM.beta1, ADAM.beta2, ADAM.epsilon);
  const text = tokens(workload);
  const inputs = tf.oneHot(tf.tensor1d(text.slice(0, -1), "int32"), vocabSize).toFloat();
  const targets = tf.oneHot(tf.tensor1d(text.slice(1), "int32"), vocabSize).toFloat();
  const lossOf = () => {
    let x = tf.matMul(inputs, w["embedding.weight"]);
    for (let l = 0; l < numLayers; l++) x = layer(cell, w, "rnn.", l, x, steps, batchSize).output;
    const logits = tf.matMul(x, w["decoder.weight"]).add(w["decoder.bias"]);
    return tf.losses.softmaxCrossEntropy(targets, logits);
  };
  return () =>
    read(() => {
      const { value, grads } = tf.variableGrads(lossOf, Object.values(w));
      const squares = Object.values(grads).map((g) => g.square().sum());
      const scale = tf.minimum(tf.scalar(CLIP).div(tf.addN(squares).sqrt().add(1e-6)), 1);
      optimizer.applyGradients(
        Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, g.mul(scale)])),
      );
      return value;
    });
}

export function generate(workload) {
  const w = toVariables(modelWeights(workload));
  return () => {
    const ids = [];
    let state = { h: tf.zeros([1, workload.hiddenSize]), c: tf.zeros([1, workload.hiddenSize]) };
    let token = 0;
    for (let i = 0; i < workload.length; i++) {
      const before = state;
      const next = tf.tidy(() => {
        const x = tf.gather(w["embedding.weight"], tf.tensor1d([token], "int32"));
        const { output, state } = layer("lstm", w, "rnn.", 0, x, 1, 1, before);
        const logits = tf.matMul(output, w["decoder.weight"]).add(w["decoder.bias"]);
        token = logits.argMax(1).dataSync()[0];
        return state;
      });
      tf.dispose(before);
      state = next;
      ids.push(token);
    }
    tf.dispose(state);
    return ids;
  };
}

export function forward({ batchSize, steps, inputSize, hiddenSize }) {
  const w = toVariables(layerWeights("lstm", inputSize, hiddenSize, 0, 10));
  const x = tf.tensor(noise(steps * batchSize * inputSize, 1), [steps * batchSize, inputSize]);
  return () => read(() => layer("lstm", w, "", 0, x, steps, batchSize).output);
}

export function gemm({ m, k, n }) {
  const a = tf.tensor(noise(m * k, 1), [m, k]);
  const b = tf.tensor(noise(k * n, 2), [k, n]);
  return kernel(() => tf.matMul(a, b));
}

export function unary({ operation, count }) {
  const x = tf.tensor(noise(count, 1, 8));
  return kernel(() => x[operation]());
}
