import { beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { ShapeError } from "../../src/errors.ts";
import {
  add,
  concat,
  crossEntropy,
  dropout,
  embedding,
  exp,
  layerNorm,
  linear,
  log,
  matmul,
  mean,
  meanSquaredError,
  mul,
  relu,
  reshape,
  scale,
  sigmoid,
  slice,
  softmax,
  sum,
  tanh,
} from "../../src/tensor/ops.ts";
import { createPacking, type Packing, pack, packStates, unpackStates } from "../../src/tensor/packing.ts";
import { GATES, type RecurrentKind, recurrent } from "../../src/tensor/recurrent.ts";
import { Parameter, type Tensor } from "../../src/tensor/tensor.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { checkGradients, type GradientCheck, type Input } from "../helpers/gradients.ts";
import { random } from "../helpers/random.ts";

// Nine columns: two vectors of four, and one left over.
const shape = [3, 9];

forEachBuild((_build, create) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });

  function checks<Name extends string>(
    name: string,
    inputs: Record<Name, readonly number[] | Input>,
    forward: (tensors: Record<Name, Tensor>) => Tensor | Tensor[],
    options: Partial<GradientCheck<Name>> = {},
  ): void {
    it(name, () => {
      const entries = Object.entries<readonly number[] | Input>(inputs);
      const full = Object.fromEntries(entries.map(([key, x]) => [key, "shape" in x ? x : { shape: x }]));
      checkGradients(engine, {
        inputs: full as Record<Name, Input>,
        forward: (tensors) => [forward(tensors)].flat(),
        ...options,
      });
    });
  }

  describe("element by element", () => {
    const positive = { shape, data: random(27, 1).map((x) => Math.abs(x) + 0.5) };
    const awayFromZero = { shape, data: random(27, 1).map((x) => x + 0.1 * Math.sign(x)) };
    checks("exp", { x: shape }, ({ x }) => exp(x));
    checks("log", { x: positive }, ({ x }) => log(x));
    checks("tanh", { x: shape }, ({ x }) => tanh(x));
    checks("sigmoid", { x: shape }, ({ x }) => sigmoid(x));
    checks("relu", { x: awayFromZero }, ({ x }) => relu(x));
    it("relu passes nothing below 0, of an infinite gradient neither", () => {
      const x = new Parameter(engine, [11]);
      x.set(Array.from({ length: 11 }, (_, i) => i - 5));
      engine.step(() => {
        const y = relu(x);
        y.gradient.set(new Float32Array(11).fill(Number.POSITIVE_INFINITY));
        engine.tape?.backward();
        const passed = Array.from({ length: 11 }, (_, i) => (i > 5 ? Number.POSITIVE_INFINITY : 0));
        expect([...x.gradient.toArray()]).toEqual(passed);
      });
      x.free();
    });
    checks("scale", { x: shape }, ({ x }) => scale(x, -2.5));
    for (const [name, operation] of [
      ["add", add],
      ["mul", mul],
    ] as const) {
      checks(name, { a: shape, b: shape }, ({ a, b }) => operation(a, b));
      checks(`${name}, a row on a matrix`, { a: shape, b: [9] }, ({ a, b }) => operation(a, b));
      checks(`${name}, a matrix on a block`, { a: [4, 3, 5], b: [3, 5] }, ({ a, b }) => operation(a, b));
      checks(`${name}, one number on a row`, { a: [9, 1], b: [1] }, ({ a, b }) => operation(a, b));
      checks(`${name}, the same tensor on both sides`, { x: shape }, ({ x }) => operation(x, x));
    }
    it("dropout, with the random stream at the same place", () => {
      const state = engine.random.state;
      const forward = ({ x }: { x: Tensor }): Tensor[] => {
        engine.random.state = state;
        return [dropout(x, 0.4)];
      };
      checkGradients(engine, { inputs: { x: { shape: [5, 9] } }, forward });
    });
  });

  describe("matrices", () => {
    checks("matmul", { a: [5, 7], b: [7, 11] }, ({ a, b }) => matmul(a, b));
    checks("matmul of one row", { a: [1, 7], b: [7, 11] }, ({ a, b }) => matmul(a, b));
    checks("matmul of one column", { a: [5, 7], b: [7, 1] }, ({ a, b }) => matmul(a, b));
    checks("matmul, depth 1", { a: [5, 1], b: [1, 6] }, ({ a, b }) => matmul(a, b));
    checks("matmul of several tiles", { a: [18, 20], b: [20, 17] }, ({ a, b }) => matmul(a, b));
    checks("matmul with itself", { x: [6, 6] }, ({ x }) => matmul(x, x));
    for (const rows of [[7], [1, 7], [6, 7], [2, 3, 7]]) {
      checks(`linear of [${rows}]`, { x: rows, w: [10, 7] }, ({ x, w }) => linear(x, w));
      checks(`linear of [${rows}] with a bias`, { x: rows, w: [10, 7], b: [10] }, ({ x, w, b }) =>
        linear(x, w, b),
      );
    }
    checks("embedding with repeated ids", { table: [5, 6] }, ({ table }) =>
      embedding(table, engine.ids([4, 1, 4, 0, 4, 1], [2, 3])),
    );
  });

  describe("softmax and losses", () => {
    const targets = (values: number[]): Tensor => engine.ids(values, [values.length]);
    checks("softmax", { x: [4, 9] }, ({ x }) => softmax(x));
    checks("softmax of one row", { x: [7] }, ({ x }) => softmax(x));
    checks("crossEntropy", { x: [4, 9] }, ({ x }) => crossEntropy(x, targets([0, 8, 3, 3])));
    checks("crossEntropy with ignored targets", { x: [4, 9] }, ({ x }) =>
      crossEntropy(x, targets([-1, 8, -1, 3])),
    );
    checks("crossEntropy with an ignored class", { x: [4, 9] }, ({ x }) =>
      crossEntropy(x, targets([3, 8, 0, 3]), { ignoreIndex: 3 }),
    );
    checks("crossEntropy of a sequence, scaled", { x: [2, 3, 5] }, ({ x }) =>
      scale(crossEntropy(x, engine.ids([0, 1, 2, 3, 4, 0], [2, 3])), -3),
    );
    checks("sum", { x: shape }, ({ x }) => sum(x));
    checks("mean", { x: shape }, ({ x }) => mean(x));
    checks("meanSquaredError", { x: shape, target: shape }, ({ x, target }) => meanSquaredError(x, target));
    it("meanSquaredError is the mean of squares, and refuses to spread a row over a matrix", () => {
      engine.infer(() => {
        const x = engine.tensor([1, 2, 3, 4], [2, 2]);
        expect(meanSquaredError(x, engine.tensor([1, 0, 3, 5], [2, 2])).item()).toBe(1.25);
        expect(() => meanSquaredError(x, engine.tensor([1, 2], [2]))).toThrow(ShapeError);
      });
    });
  });

  describe("layer norm", () => {
    for (const rows of [[9], [4, 9], [2, 3, 5]]) {
      const size = rows[rows.length - 1];
      checks(`of [${rows}]`, { x: rows }, ({ x }) => layerNorm(x));
      checks(`of [${rows}], scaled and shifted`, { x: rows, w: [size], b: [size] }, ({ x, w, b }) =>
        layerNorm(x, w, b, { epsilon: 0.1 }),
      );
    }
  });

  describe("packed batches", () => {
    const packing = (): Packing => createPacking(engine, 4, 3, [2, 4, 3]);
    checks("pack", { x: [4, 3, 5] }, ({ x }) => tanh(pack(x, packing())));
    checks("states side by side", { x: [4, 3, 5], y: [4, 3, 2] }, ({ x, y }) =>
      tanh(packStates([x, y], packing())),
    );
    checks("states side by side, padded", { x: [4, 3, 5], y: [4, 3, 2] }, ({ x, y }) =>
      exp(unpackStates([x, y], packing())),
    );
  });

  describe("shapes", () => {
    const block = [3, 4, 5];
    checks("reshape", { x: block }, ({ x }) => tanh(reshape(x, [10, 6])));
    for (let dimension = 0; dimension < 3; dimension++) {
      const of = (items: number): number[] => block.map((n, i) => (i === dimension ? items : n));
      checks(`slice along dimension ${dimension}`, { x: block }, ({ x }) => tanh(slice(x, dimension, 1, 3)));
      checks(`overlapping slices along dimension ${dimension}`, { x: block }, ({ x }) => [
        slice(x, dimension, 0, 2),
        exp(slice(x, dimension, 1, 3)),
      ]);
      checks(`concat along dimension ${dimension}`, { a: of(2), b: of(1), c: of(4) }, ({ a, b, c }) =>
        tanh(concat([a, b, c], dimension)),
      );
      checks(`concat of a tensor with itself along dimension ${dimension}`, { x: block }, ({ x }) =>
        concat([x, x], dimension),
      );
    }
    checks("a slice of a reshaped slice", { x: block }, ({ x }) =>
      exp(slice(reshape(slice(x, 0, 1, 3), [8, 5]), 1, 2, 4)),
    );
  });

  describe("a tensor used more than once", () => {
    checks("by different operations", { x: shape, y: [9] }, ({ x, y }) => [
      add(mul(tanh(x), x), y),
      mul(scale(x, 3), y),
      sum(x),
    ]);
    checks("in between", { x: shape }, ({ x }) => {
      const between = tanh(x);
      return mul(add(between, between), exp(between));
    });
    checks("as itself and as a view", { x: [4, 6] }, ({ x }) => [
      mul(reshape(x, [6, 4]), reshape(x, [6, 4])),
      x,
    ]);
    checks(
      "as a layer's input and its first state",
      { x: [1, 2, 5], w: [5, 5], u: [5, 5] },
      ({ x, w, u }) => {
        const { output } = recurrent("rnn-tanh", x, reshape(x, [2, 5]), undefined, {
          weightIh: w,
          weightHh: u,
        });
        return output;
      },
    );
    checks("weights for both matrices of a layer", { x: [3, 2, 5], h: [2, 5], w: [5, 5] }, ({ x, h, w }) => {
      const { output } = recurrent("rnn-tanh", x, h, undefined, { weightIh: w, weightHh: w });
      return output;
    });

    it("gets +=, also in a later step, until it is cleared", () => {
      const parameter = new Parameter(engine, [3]);
      parameter.set([1, 2, 3]);
      const square = (): void => engine.step(() => sum(mul(parameter, parameter)).backward());
      square();
      expect([...parameter.gradient.toArray()]).toEqual([2, 4, 6]);
      square();
      expect([...parameter.gradient.toArray()]).toEqual([4, 8, 12]);
      parameter.zeroGradient();
      square();
      expect([...parameter.gradient.toArray()]).toEqual([2, 4, 6]);
      parameter.free();
    });
  });

  for (const kind of Object.keys(GATES) as RecurrentKind[]) {
    describe(kind, () => {
      const inputSize = 3;
      const hiddenSize = 5;
      const rows = GATES[kind] * hiddenSize;
      // A step over relu's kink would spoil a difference, so these are small there, and the tolerance larger.
      const options = kind === "rnn-relu" ? { epsilon: 1e-3, tolerance: 1e-2 } : {};

      const layer = (
        name: string,
        [steps, batch]: [number, number],
        bias: boolean,
        outputs: readonly ("output" | "hidden" | "cell")[],
      ): void => {
        const shapes: Record<string, readonly number[]> = {
          x: [steps, batch, inputSize],
          h0: [batch, hiddenSize],
          weightIh: [rows, inputSize],
          weightHh: [rows, hiddenSize],
        };
        if (kind === "lstm") shapes.c0 = [batch, hiddenSize];
        if (bias) Object.assign(shapes, { biasIh: [rows], biasHh: [rows] });
        checks(
          name,
          shapes,
          ({ x, h0, c0, weightIh, weightHh, biasIh, biasHh }) => {
            const result = recurrent(kind, x, h0, c0, { weightIh, weightHh, biasIh, biasHh });
            return outputs.map((output) => result[output]!);
          },
          options,
        );
      };

      const all = kind === "lstm" ? (["output", "hidden", "cell"] as const) : (["output", "hidden"] as const);
      for (const bias of [true, false]) {
        for (const steps of [1, 4]) {
          for (const batch of [1, 3]) {
            layer(`T=${steps}, B=${batch}, ${bias ? "" : "no "}biases`, [steps, batch], bias, all);
          }
        }
      }
      for (const output of all) layer(`through ${output} alone`, [4, 3], true, [output]);

      for (const projSize of kind === "lstm" ? [undefined, 2] : [undefined]) {
        for (const reverse of [false, true]) {
          const name = `${reverse ? "in reverse" : "forward"}${projSize ? ", projected" : ""}`;
          const stateSize = projSize ?? hiddenSize;
          const shapes: Record<string, readonly number[]> = {
            x: [4, 3, inputSize],
            h0: [3, stateSize],
            weightIh: [rows, inputSize],
            weightHh: [rows, stateSize],
            biasIh: [rows],
            biasHh: [rows],
          };
          if (kind === "lstm") shapes.c0 = [3, hiddenSize];
          if (projSize) shapes.weightHr = [projSize, hiddenSize];
          checks(
            name,
            shapes,
            ({ x, h0, c0, weightIh, weightHh, biasIh, biasHh, weightHr }) => {
              const result = recurrent(
                kind,
                x,
                h0,
                c0,
                { weightIh, weightHh, biasIh, biasHh, weightHr },
                { reverse },
              );
              return all.map((output) => result[output]!);
            },
            options,
          );
          checks(
            `${name}, rows of several lengths`,
            shapes,
            ({ x, h0, c0, weightIh, weightHh, biasIh, biasHh, weightHr }) => {
              const packing = createPacking(engine, 4, 3, [3, 0, 4]);
              const result = recurrent(
                kind,
                pack(x, packing),
                h0,
                c0,
                { weightIh, weightHh, biasIh, biasHh, weightHr },
                {
                  reverse,
                  packing,
                },
              );
              const { output, ...states } = result;
              return [unpackStates([output], packing), ...Object.values(states)].filter(
                (y) => y !== undefined,
              );
            },
            options,
          );
        }
      }
    });
  }
});
