/** Every kernel that is worth joining, called by itself: what the wide build is compared by. */

import type { Engine } from "../../src/engine/engine.ts";
import { BINARY, UNARY } from "../../src/engine/kernels.ts";
import { GemvArgs, LayerNormArgs, OptimizerArgs } from "../../src/engine/layouts.ts";
import { GRU, LSTM, RNN } from "../../src/nn/index.ts";
import { matmul, sum } from "../../src/tensor/ops.ts";
import { noise, type Work } from "../entry.ts";

/** Work by the kernel's name; what else runs in it is a small part. */
export type KernelWorks = Record<string, Work>;

/** 64 KiB: it stays in the caches. */
const COUNT = 16_384;
const ROWS = 128;
const COLUMNS = COUNT / ROWS;

export function kernelWorks(engine: Engine): KernelWorks {
  const { kernels } = engine;
  const array = (count = COUNT, scale = 1) => engine.tensor(noise(count, scale), [count]).pointer;
  const [x, y, z] = [array(), array(), array()];
  const positive = array();
  kernels.unary(UNARY.exp, x, positive, COUNT, 0, 1);
  const row = array(COLUMNS);
  const [sums, moments] = [array(4 * ROWS), array(4 * ROWS)];
  const targets = engine.ids(new Int32Array(ROWS), [ROWS]).pointer;
  const first = array();
  const second = engine.zeros([COUNT]).pointer;
  const unary = (kind: keyof typeof UNARY, from = x) => {
    return () => kernels.unary(UNARY[kind], from, y, COUNT, 0, 1);
  };
  const optimizer = (kernel: "adamStep" | "sgdStep" | "rmspropStep") => () => {
    const options = { decoupled: 0, learningRate: 0, momentum: 0.9, weightDecay: 0, beta1: 0.9, beta2: 0.99 };
    const slots = {
      parameter: z,
      gradient: x,
      first,
      second,
      count: COUNT,
      step: 5,
      epsilon: 1e-8,
      scale: 1,
    };
    kernels[kernel](engine.args(OptimizerArgs, { ...options, ...slots }), 0, 1);
  };
  const norm = (kernel: "layerNormForward" | "layerNormBackward") => () => {
    const sizes = { rows: ROWS, columns: COLUMNS, epsilon: 1e-5, weight: row, bias: row, dWeight: 0 };
    kernels[kernel](engine.args(LayerNormArgs, { ...sizes, x, y, moments, dy: z, dx: first }), 0, 1);
  };
  return {
    ...matrices(engine),
    ...layers(engine),
    "unary exp": unary("exp"),
    "unary log": unary("log", positive),
    "unary tanh": unary("tanh"),
    "unary sigmoid": unary("sigmoid"),
    "unary relu": unary("relu"),
    derive: () => kernels.derive(UNARY.tanh, x, z, y, COUNT, 0, 1),
    "binary add": () => kernels.binary(BINARY.add, x, z, COLUMNS, y, ROWS, COLUMNS, 0, 1),
    "binary mul": () => kernels.binary(BINARY.mul, x, z, COLUMNS, y, ROWS, COLUMNS, 0, 1),
    multiplyAdd: () => kernels.multiplyAdd(x, z, 0, y, ROWS, COLUMNS, 0, 1),
    accumulate: () => kernels.accumulate(y, x, 1e-9, COUNT, 0, 1),
    clamp: () => kernels.clamp(z, 2, COUNT, 0, 1),
    fill: () => kernels.fill(y, 0, COUNT, 0, 1),
    softmaxForward: () => kernels.softmaxForward(x, y, ROWS, COLUMNS, 0, 1),
    softmaxBackward: () => kernels.softmaxBackward(x, z, y, ROWS, COLUMNS, 0, 1),
    crossEntropyForward: () =>
      kernels.crossEntropyForward(x, targets, -1, sums, moments, ROWS, COLUMNS, 0, 1),
    crossEntropyBackward: () =>
      kernels.crossEntropyBackward(x, targets, -1, moments, 1e-6, y, ROWS, COLUMNS, 0, 1),
    layerNormForward: norm("layerNormForward"),
    layerNormBackward: norm("layerNormBackward"),
    adamStep: optimizer("adamStep"),
    sgdStep: optimizer("sgdStep"),
    rmspropStep: optimizer("rmspropStep"),
    embeddingBackward: () => kernels.embeddingBackward(y, targets, x, ROWS, COLUMNS, 0, 1),
    columnSums: () => kernels.columnSums(row, x, 0, ROWS, COLUMNS, COLUMNS, 0, 1),
    sumOfSquares: () => kernels.sumOfSquares(x, COUNT, sums, 0, 1),
  };
}

function matrices(engine: Engine): KernelWorks {
  const size = 256;
  const [a, b] = [1, 2].map(() => engine.tensor(noise(size * size), [size, size]));
  const packed = engine.zeros([size * size]).pointer;
  const vector = engine.zeros([size]).pointer;
  const { kernels } = engine;
  kernels.packPanels(packed, b.pointer, size, 1, size, size, 0, 1);
  const gemv = (bTransposed: number, panels: number) => () => {
    const matrix = {
      n: size,
      k: size,
      x: a.pointer,
      b: b.pointer,
      bStride: size,
      bTransposed,
      packed: panels,
    };
    kernels.gemv(engine.args(GemvArgs, { ...matrix, y: vector, accumulate: 0, bias: 0 }), 0, 1);
  };
  return {
    gemmMultiply: () => engine.infer(() => void matmul(a, b)),
    packPanels: () => kernels.packPanels(packed, b.pointer, size, 1, size, size, 0, 1),
    "gemv, panels": gemv(1, packed),
    "gemv, rows": gemv(1, 0),
    "gemv, columns": gemv(0, 0),
  };
}

/** Forward alone, and with backward, of a layer whose input is one number. */
function layers(engine: Engine): KernelWorks {
  const [steps, batch, inputSize, hiddenSize] = [16, 32, 1, 128];
  const x = engine.tensor(noise(steps * batch), [steps, batch, inputSize]);
  const works: KernelWorks = {};
  for (const [name, Layer] of Object.entries({ rnn: RNN, lstm: LSTM, gru: GRU })) {
    const layer = new Layer(engine, { inputSize, hiddenSize });
    works[`${name}Forward`] = () => engine.infer(() => void layer.forward(x));
    works[`${name}Backward`] = () => engine.step(() => sum(layer.forward(x).output).backward());
  }
  return works;
}
