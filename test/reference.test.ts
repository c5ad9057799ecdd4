import { describe, expect, it } from "vitest";
import { sigmoid, tanh } from "../src/reference/activations.ts";
import { clipByGlobalNorm, clipByValue } from "../src/reference/clip.ts";
import { embeddingBackward, embeddingForward } from "../src/reference/embedding.ts";
import { gemm, gemmPacked, packRight } from "../src/reference/gemm.ts";
import { gruBackward, gruForward } from "../src/reference/gru.ts";
import { lstmBackward, lstmForward } from "../src/reference/lstm.ts";
import { adam, adamw, createAdamState, sgd } from "../src/reference/optimizers.ts";
import { philox4x32 } from "../src/reference/philox.ts";
import type { RecurrentGradients, RecurrentOptions } from "../src/reference/recurrent.ts";
import { rnnBackward, rnnForward } from "../src/reference/rnn.ts";
import { softmaxCrossEntropy } from "../src/reference/softmax-cross-entropy.ts";

/** Values from −1 to 1 that depend on `stream` alone. */
function random(size: number, stream: number): Float32Array {
  return Float32Array.from(
    { length: size },
    (_, i) => philox4x32([i, 0, 0, 0], [stream, 0])[0] / 2 ** 31 - 1,
  );
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = "") {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / Math.max(Math.abs(expected[i]), 0.1);
    if (error <= tolerance) continue;
    expect.fail(`${what}[${i}]: expected ${expected[i]} within ${tolerance}, got ${actual[i]}`);
  }
}

/** Compares a gradient with central differences of `loss`, perturbing `input` in place. */
function expectGradient(input: Float32Array, gradient: Float32Array, loss: () => number, what: string) {
  const epsilon = 4e-3;
  const numeric = Float64Array.from(input, (value, i) => {
    input[i] = value + epsilon;
    const above = input[i];
    const lossAbove = loss();
    input[i] = value - epsilon;
    const difference = above - input[i];
    const result = (lossAbove - loss()) / difference;
    input[i] = value;
    return result;
  });
  expectClose(gradient, numeric, 1e-2, what);
}

describe("gemm", () => {
  const sizes = [1, 3, 5, 8, 17];
  for (const transA of [false, true]) {
    for (const transB of [false, true]) {
      it(`agrees with a triple loop, transA ${transA}, transB ${transB}`, () => {
        for (const M of sizes) {
          for (const N of sizes) for (const K of sizes) checkGemm(transA, transB, M, N, K);
        }
      });
      it(`agrees beyond one cache block, transA ${transA}, transB ${transB}`, () => {
        checkGemm(transA, transB, 70, 7, 1100);
      });
    }
  }

  function checkGemm(transA: boolean, transB: boolean, M: number, N: number, K: number) {
    const a = random(M * K, 1);
    const b = random(K * N, 2);
    const start = random(M * N, 3);
    const product = new Float64Array(M * N);
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        for (let k = 0; k < K; k++) {
          product[m * N + n] += a[transA ? k * M + m : m * K + k] * b[transB ? n * K + k : k * N + n];
        }
      }
    }
    const c = start.slice();
    gemm(transA, transB, M, N, K, a, b, c);
    expectClose(c, product, 1e-5, `${M}×${N}×${K}`);
    c.set(start);
    gemm(transA, transB, M, N, K, a, b, c, true);
    const sum = product.map((value, i) => value + start[i]);
    expectClose(c, sum, 1e-5, `${M}×${N}×${K} accumulated`);
  }

  it("clears the result when there is nothing to sum", () => {
    const c = random(6, 1);
    gemm(false, false, 2, 3, 0, new Float32Array(0), new Float32Array(0), c);
    expect([...c]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("reads and writes columns of wider matrices and leaves the others alone", () => {
    const c = new Float32Array(8).fill(7);
    const right = packRight(false, 2, 2, Float32Array.of(1, 2, 3, 4));
    gemmPacked(false, 2, right, Float32Array.of(1, 1, 9, 0, 1, 9), 3, c.subarray(1), 4);
    expect([...c]).toEqual([7, 4, 6, 7, 7, 3, 4, 7]);
  });
});

const T = 5;
const B = 3;
const I = 4;
const H = 3;

/** A layer's inputs in a small size. c0 is the LSTM's alone. */
function layer(gates: number, reverse: boolean, lengths: boolean) {
  return {
    steps: T,
    batch: B,
    inputSize: I,
    hiddenSize: H,
    x: random(T * B * I, 1),
    h0: random(B * H, 2),
    c0: random(B * H, 3),
    weightIh: random(gates * H * I, 4),
    weightHh: random(gates * H * H, 5),
    biasIh: random(gates * H, 6),
    biasHh: random(gates * H, 7),
    reverse,
    lengths: lengths ? Int32Array.of(3, 0, 5) : undefined,
  };
}

const forms = [
  { reverse: false, lengths: false },
  { reverse: true, lengths: false },
  { reverse: false, lengths: true },
  { reverse: true, lengths: true },
];

const dHidden = random((T + 1) * B * H, 10);
const dCell = random((T + 1) * B * H, 11);

function expectLayerGradients(options: RecurrentOptions, gradients: RecurrentGradients, loss: () => number) {
  expectGradient(options.x, gradients.dx, loss, "x");
  expectGradient(options.h0, gradients.dh0, loss, "h0");
  expectGradient(options.weightIh, gradients.dWeightIh, loss, "weightIh");
  expectGradient(options.weightHh, gradients.dWeightHh, loss, "weightHh");
  expectGradient(options.biasIh!, gradients.dBiasIh, loss, "biasIh");
  expectGradient(options.biasHh!, gradients.dBiasHh, loss, "biasHh");
}

/** Σ_k weight[row, k] · vector[k]. */
const row = (weight: Float32Array, index: number, vector: number[]) =>
  vector.reduce((sum, value, k) => sum + weight[index * vector.length + k] * value, 0);

type Cell = (input: (gate: number) => number[], h: number[], c: number[]) => { h: number[]; c: number[] };

/** The history [T+1, B, H] from one row's step, written as the formulas are, in double. */
function naiveHistory(options: ReturnType<typeof layer>, cell: Cell): Float64Array {
  const history = new Float64Array((T + 1) * B * H);
  for (let b = 0; b < B; b++) {
    let h = [...options.h0.subarray(b * H, (b + 1) * H)];
    let c = [...options.c0.subarray(b * H, (b + 1) * H)];
    history.set(h, ((options.reverse ? T : 0) * B + b) * H);
    for (let index = 0; index < T; index++) {
      const t = options.reverse ? T - 1 - index : index;
      const x = [...options.x.subarray((t * B + b) * I, (t * B + b + 1) * I)];
      const input = (gate: number) =>
        h.map((_, k) => row(options.weightIh, gate * H + k, x) + options.biasIh[gate * H + k]);
      if (!options.lengths || t < options.lengths[b]) ({ h, c } = cell(input, h, c));
      history.set(h, ((options.reverse ? t : t + 1) * B + b) * H);
    }
  }
  return history;
}

const sigma = (x: number) => 1 / (1 + Math.exp(-x));

for (const { reverse, lengths } of forms) {
  describe(`a recurrent layer${reverse ? ", reverse" : ""}${lengths ? ", lengths" : ""}`, () => {
    for (const nonlinearity of ["tanh", "relu"] as const) {
      it(`rnn with ${nonlinearity}: formula and gradients`, () => {
        const options = { ...layer(1, reverse, lengths), nonlinearity };
        const { weightHh, biasHh } = options;
        const f = nonlinearity === "tanh" ? Math.tanh : (x: number) => Math.max(0, x);
        const state = rnnForward(options);
        const expected = naiveHistory(options, (input, h, c) => {
          return { h: input(0).map((value, k) => f(value + row(weightHh, k, h) + biasHh[k])), c };
        });
        expectClose(state.hidden, expected, 1e-5, "hidden");
        const gradients = rnnBackward({ ...options, ...state, dHidden });
        expectLayerGradients(options, gradients, () => dot(rnnForward(options).hidden, dHidden));
      });
    }

    it("lstm: formula and gradients", () => {
      const options = layer(4, reverse, lengths);
      const state = lstmForward(options);
      const expected = naiveHistory(options, (input, h, c) => {
        const sum = (gate: number) =>
          input(gate).map(
            (value, k) => value + row(options.weightHh, gate * H + k, h) + options.biasHh[gate * H + k],
          );
        const [i, f, g, o] = [sum(0).map(sigma), sum(1).map(sigma), sum(2).map(Math.tanh), sum(3).map(sigma)];
        const cell = c.map((value, k) => f[k] * value + i[k] * g[k]);
        return { h: cell.map((value, k) => o[k] * Math.tanh(value)), c: cell };
      });
      expectClose(state.hidden, expected, 1e-5, "hidden");
      const gradients = lstmBackward({ ...options, ...state, dHidden, dCell });
      const loss = () => {
        const { hidden, cell } = lstmForward(options);
        return dot(hidden, dHidden) + dot(cell, dCell);
      };
      expectLayerGradients(options, gradients, loss);
      expectGradient(options.c0, gradients.dc0, loss, "c0");
    });

    for (const resetAfter of [true, false]) {
      it(`gru, reset ${resetAfter ? "after" : "before"} the product: formula and gradients`, () => {
        const options = { ...layer(3, reverse, lengths), resetAfter };
        const { weightHh, biasHh } = options;
        const inner = (gate: number, h: number[]) => h.map((_, k) => row(weightHh, gate * H + k, h));
        const state = gruForward(options);
        const expected = naiveHistory(options, (input, h, c) => {
          const gate = (index: number) => {
            const recurrent = inner(index, h);
            return input(index).map((value, k) => sigma(value + recurrent[k] + biasHh[index * H + k]));
          };
          const [r, z] = [gate(0), gate(1)];
          const after = inner(2, h).map((value, k) => r[k] * (value + biasHh[2 * H + k]));
          const reset = h.map((value, k) => r[k] * value);
          const before = inner(2, reset).map((value, k) => value + biasHh[2 * H + k]);
          const n = input(2).map((value, k) => Math.tanh(value + (resetAfter ? after[k] : before[k])));
          return { h: h.map((value, k) => (1 - z[k]) * n[k] + z[k] * value), c };
        });
        expectClose(state.hidden, expected, 1e-5, "hidden");
        const gradients = gruBackward({ ...options, ...state, dHidden });
        expectLayerGradients(options, gradients, () => dot(gruForward(options).hidden, dHidden));
      });
    }
  });
}

describe("a recurrent layer's views", () => {
  it("have zero gates and unchanged states beyond a row's length", () => {
    const options = layer(4, false, true);
    const { hidden, cell, gates } = lstmForward(options);
    const slot = (history: Float32Array, t: number) => [...history.subarray(t * B * H, t * B * H + H)];
    expect([...gates.subarray(3 * B * 4 * H, (3 * B + 1) * 4 * H)]).toEqual(new Array(4 * H).fill(0));
    expect(slot(hidden, 5)).toEqual(slot(hidden, 3));
    expect(slot(cell, 5)).toEqual(slot(cell, 3));
    expect(slot(hidden, 3)).not.toEqual(slot(hidden, 2));
  });

  it("carry the whole gradient of each slot: what a sequence that starts there would give", () => {
    const options = layer(4, false, false);
    const state = lstmForward(options);
    const whole = lstmBackward({ ...options, ...state, dHidden, dCell });
    const from = 2 * B * H;
    const rest = {
      ...options,
      steps: T - 2,
      x: options.x.subarray(2 * B * I),
      h0: state.hidden.subarray(from, from + B * H),
      c0: state.cell.subarray(from, from + B * H),
    };
    const outside = { dHidden: dHidden.subarray(from), dCell: dCell.subarray(from) };
    const part = lstmBackward({ ...rest, ...lstmForward(rest), ...outside });
    expectClose(whole.dHidden.subarray(from), part.dHidden, 1e-5, "dHidden");
    // At the slot itself the whole also has what reaches the cell through its own step's output gate.
    expectClose(whole.dCell.subarray(from + B * H), part.dCell.subarray(B * H), 1e-5, "dCell");
    const throughOutput = part.dc0.map((value, at) => {
      const o = state.gates[(B + Math.floor(at / H)) * 4 * H + 3 * H + (at % H)];
      return value + part.dh0[at] * o * (1 - Math.tanh(rest.c0[at]) ** 2);
    });
    expectClose(whole.dCell.subarray(from, from + B * H), throughOutput, 1e-5, "dCell of the slot");
  });

  it("work without biases, and add to the weights' gradients but not to the others", () => {
    const options = { ...layer(3, false, false), biasIh: undefined, biasHh: undefined, resetAfter: true };
    const zeros = { biasIh: new Float32Array(3 * H), biasHh: new Float32Array(3 * H) };
    const state = gruForward(options);
    expect(state).toEqual(gruForward({ ...options, ...zeros }));
    const once = gruBackward({ ...options, ...state, dHidden });
    const { dWeightHh, dx } = structuredClone(once);
    gruBackward({ ...options, ...state, dHidden }, once);
    expectClose(
      once.dWeightHh,
      dWeightHh.map((value) => 2 * value),
      1e-5,
      "dWeightHh",
    );
    expect(once.dx).toEqual(dx);
  });
});

it("sigmoid and tanh agree with Math, and saturate without NaN", () => {
  const out = new Float32Array(3);
  sigmoid(out, Float32Array.of(-1000, 0, 1000));
  expect([...out]).toEqual([0, 0.5, 1]);
  tanh(out, Float32Array.of(-1000, 0.5, 1000));
  expect([...out]).toEqual([-1, Math.fround(Math.tanh(0.5)), 1]);
});

describe("embedding", () => {
  const ids = Int32Array.of(2, 0, 2);

  it("gathers rows and adds gradients of repeated ids", () => {
    const out = embeddingForward(ids, 2, Float32Array.of(1, 2, 3, 4, 5, 6));
    expect([...out]).toEqual([5, 6, 1, 2, 5, 6]);
    const dTable = Float32Array.of(0, 0, 9, 9, 0, 1);
    embeddingBackward(ids, 2, Float32Array.of(1, 2, 3, 4, 5, 6), dTable);
    expect([...dTable]).toEqual([3, 4, 9, 9, 6, 9]);
  });

  it("refuses an id outside the table", () => {
    expect(() => embeddingForward(Int32Array.of(0, 3), 2, new Float32Array(6))).toThrow(
      "expected ids from 0 to 2, got 3 at position 1",
    );
    expect(() => embeddingBackward(Int32Array.of(-1), 2, new Float32Array(2), new Float32Array(6))).toThrow(
      RangeError,
    );
  });
});

describe("softmax cross-entropy", () => {
  it("has its gradient, and ignores rows", () => {
    const logits = random(4 * 5, 1);
    const options = { rows: 4, classes: 5, logits, targets: Int32Array.of(1, -1, 4, 0), ignoreIndex: -1 };
    const { dLogits, counted } = softmaxCrossEntropy(options);
    expect(counted).toBe(3);
    expect([...dLogits.subarray(5, 10)]).toEqual([0, 0, 0, 0, 0]);
    expectGradient(logits, dLogits, () => softmaxCrossEntropy(options).loss, "logits");
  });

  it("is log V for equal logits, and finite for large ones", () => {
    const equal = { rows: 1, classes: 4, logits: new Float32Array(4).fill(9), targets: Int32Array.of(2) };
    expect(softmaxCrossEntropy(equal).loss).toBeCloseTo(Math.log(4), 12);
    const large = { rows: 1, classes: 2, logits: Float32Array.of(1e4, -1e4), targets: Int32Array.of(1) };
    expect(softmaxCrossEntropy(large).loss).toBe(2e4);
    expect([...softmaxCrossEntropy(large).dLogits]).toEqual([1, -1]);
  });

  it("is 0 when no row counts, and refuses a target that is no class", () => {
    const options = { rows: 1, classes: 2, logits: new Float32Array(2), targets: Int32Array.of(-100) };
    const gradientInPlace = Float32Array.of(5, 5);
    expect(softmaxCrossEntropy(options, gradientInPlace).loss).toBe(0);
    expect([...gradientInPlace]).toEqual([0, 0]);
    expect(() => softmaxCrossEntropy({ ...options, targets: Int32Array.of(2) })).toThrow(
      "expected targets from 0 to 1, got 2 in row 0",
    );
  });
});

describe("philox4x32", () => {
  const all = 0xffffffff;
  it.each([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [[all, all, all, all], [all, all], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
  ] as [[number, number, number, number], [number, number], string][])(
    "gives Random123's known answer for counter %j, key %j",
    (counter, key, answer) => {
      const words = philox4x32(counter, key).map((word) => word.toString(16).padStart(8, "0"));
      expect(words.join(" ")).toBe(answer);
    },
  );
});

describe("optimizers", () => {
  const gradient = Float32Array.of(0.5, -0.25);

  it("sgd with momentum and weight decay", () => {
    const parameter = Float32Array.of(1, 2);
    const buffer = new Float32Array(2);
    const options = { learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 };
    sgd(parameter, gradient, buffer, options);
    expectClose(parameter, [0.94, 2.005], 1e-6);
    sgd(parameter, gradient, buffer, options);
    // 0.9 · 0.6 + 0.5 + 0.1 · 0.94 and 0.9 · −0.05 − 0.25 + 0.1 · 2.005
    expectClose(parameter, [0.94 - 0.1134, 2.005 + 0.00945], 1e-6);
  });

  it("adam moves by the learning rate at first, and follows its formula when the gradient changes", () => {
    const parameter = Float32Array.of(1, 2);
    const state = createAdamState(2);
    adam(parameter, gradient, state, { learningRate: 0.1 });
    expectClose(parameter, [0.9, 2.1], 1e-6);
    adam(parameter, Float32Array.of(1, 0), state, { learningRate: 0.1 });
    const mean = (0.9 * 0.05 + 0.1) / (1 - 0.81);
    const variance = (0.999 * 0.00025 + 0.001) / (1 - 0.999 ** 2);
    expect(parameter[0]).toBeCloseTo(0.9 - (0.1 * mean) / Math.sqrt(variance), 6);
    expect(state.step).toBe(2);
  });

  it("adam adds weight decay to the gradient, adamw shrinks the parameter", () => {
    const options = { learningRate: 0.1, weightDecay: 1 };
    const coupled = Float32Array.of(1, 0.125);
    adam(coupled, gradient, createAdamState(2), options);
    expectClose(coupled, [0.9, 0.225], 1e-6);
    const decoupled = Float32Array.of(1, 0.125);
    adamw(decoupled, gradient, createAdamState(2), options);
    expectClose(decoupled, [0.8, 0.2125], 1e-6);
  });
});

describe("clipping", () => {
  it("scales all gradients by their common norm, and only above the limit", () => {
    const gradients = [Float32Array.of(3, 0), Float32Array.of(4)];
    expect(clipByGlobalNorm(gradients, 5)).toBe(5);
    expect(gradients.map((gradient) => [...gradient])).toEqual([[3, 0], [4]]);
    expect(clipByGlobalNorm(gradients, 2.5)).toBe(5);
    expect(gradients.map((gradient) => [...gradient])).toEqual([[1.5, 0], [2]]);
  });

  it("limits each element", () => {
    const gradient = Float32Array.of(-3, 0.5, 2);
    clipByValue([gradient], 1);
    expect([...gradient]).toEqual([-1, 0.5, 1]);
  });
});
