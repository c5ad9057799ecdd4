import v8 from "node:v8";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { ConfigError } from "../../src/errors.ts";
import { GRU, LayerNorm, LSTM, RNN } from "../../src/nn/index.ts";
import type { Recurrent } from "../../src/nn/recurrent.ts";
import * as ops from "../../src/tensor/ops.ts";
import { Parameter, type Tensor } from "../../src/tensor/tensor.ts";
import { clipByValue, gradientNorm } from "../../src/train/clip.ts";
import { Adam, AdamW, type Optimizer, RMSProp, SGD } from "../../src/train/optimizers.ts";
import { expectSameBits } from "../helpers/close.ts";
import { HAS_WIDE } from "../helpers/engines.ts";
import { random, randomIds } from "../helpers/random.ts";

/** Random shapes that each program is tried with. `FUZZ=5000 npx vitest run test/engine/wide.test.ts` looks longer. */
const ROUNDS = Number(globalThis.process?.env?.FUZZ ?? 150);

it("is refused together with reproducible numerics", async () => {
  const both = createEngine({ wide: true, numerics: "reproducible" });
  await expect(both).rejects.toThrow(ConfigError);
  await expect(both).rejects.toThrow('wide kernels use fused multiply-adds: they need numerics "fast"');
});

it.skipIf(HAS_WIDE)("falls back where it does not work, and says why", async () => {
  const engine = await createEngine({ wide: true });
  expect(engine.build).not.toBe("wide");
  expect(engine.narrow).toMatch(/only Node|needs Node 24 or newer, this is Node \d+|not run it any faster/);
  expect(engine.infer(() => ops.tanh(engine.tensor([0], [1])).item())).toBe(0);
  engine.close();
});

it("is not used unless asked for", async () => {
  const engine = await createEngine();
  expect([engine.build === "wide", engine.narrow]).toEqual([false, undefined]);
  engine.close();
});

/** Sizes and data that depend on the seed alone. */
class Dice {
  #stream: number;

  constructor(seed: number) {
    this.#stream = 1000 * (seed + 1);
  }

  /** From 1 to `most`: one in three is below 10, one in three is near a multiple of 8. */
  size(most: number): number {
    const [kind, value] = randomIds(2, this.#stream++, 3 * most);
    const size = 1 + (value % most);
    if (kind % 3 === 0) return 1 + (size % Math.min(9, most));
    return kind % 3 === 1 ? Math.min(most, Math.max(1, 8 * Math.ceil(size / 8) + (value % 3) - 1)) : size;
  }

  data(count: number, bound = 1): Float32Array {
    return random(count, this.#stream++, bound);
  }

  ids(count: number, limit: number): Int32Array {
    return randomIds(count, this.#stream++, limit);
  }
}

/** What an engine computes from what the dice show. */
type Program = (engine: Engine, dice: Dice) => Float32Array[];

const read = (tensors: readonly Tensor[]): Float32Array[] =>
  tensors.map((tensor) => tensor.toArray() as Float32Array);

/** An operation's result, and the gradients of a random functional of it. */
function differentiate(
  shapes: (dice: Dice) => number[][],
  run: (...inputs: Tensor[]) => Tensor,
  bound = 1,
): Program {
  return (engine, dice) =>
    engine.step(() => {
      const inputs = shapes(dice).map((shape) => {
        const tensor = engine.tensor(
          dice.data(
            shape.reduce((a, b) => a * b),
            bound,
          ),
          shape,
        );
        tensor.requiresGrad = true;
        return tensor;
      });
      const y = run(...inputs);
      ops.sum(ops.mul(y, engine.tensor(dice.data(y.size), y.shape))).backward();
      return read([y, ...inputs.map((input) => input.gradient)]);
    });
}

/** A layer over a batch of sequences, half of the times of several lengths; trained once and used three times. */
function recurrent(
  make: (engine: Engine, dice: Dice, sizes: { inputSize: number; hiddenSize: number }) => Recurrent,
): Program {
  return (engine, dice) => {
    const [steps, batch] = [dice.size(5), dice.size(40)];
    const sizes = { inputSize: dice.size(40), hiddenSize: 1 + dice.size(70) };
    engine.random.state = { seed: 1, block: 0 };
    const layer = make(engine, dice, sizes);
    const lengths = dice.size(2) === 1 ? dice.ids(batch, steps).map((length) => length + 1) : undefined;
    const x = new Parameter(engine, [steps, batch, sizes.inputSize]);
    x.set(dice.data(x.size));
    const functional = dice.data(steps * batch * layer.outputSize);
    const forward = (): Tensor => layer.forward(x, undefined, { lengths }).output;
    const results = engine.step(() => {
      const y = forward();
      ops.sum(ops.mul(y, engine.tensor(functional, y.shape))).backward();
      return read([y, x.gradient, ...layer.parameters().map(({ gradient }) => gradient)]);
    });
    for (let i = 0; i < 3; i++) results.push(...engine.infer(() => read([forward()])));
    layer.free();
    x.free();
    return results;
  };
}

/** Two steps of an optimizer, after clipping. */
function optimize(make: (parameters: Parameter[]) => Optimizer): Program {
  return (engine, dice) => {
    const parameter = new Parameter(engine, [dice.size(300)]);
    parameter.set(dice.data(parameter.size));
    const optimizer = make([parameter]);
    const results: Float32Array[] = [];
    for (let step = 0; step < 2; step++) {
      parameter.gradient.set(dice.data(parameter.size, 3));
      engine.step(() => {
        clipByValue([parameter], 2);
        optimizer.step(1 / gradientNorm([parameter]));
        results.push(...read([parameter, ...Object.values(optimizer.slots).flat()]));
      });
    }
    optimizer.free();
    parameter.free();
    return results;
  };
}

const vector = (dice: Dice): number[][] => [[dice.size(200)]];
const matrix = (dice: Dice): number[][] => [[dice.size(20), dice.size(100)]];
const PROGRAMS: Record<string, Program> = {
  exp: differentiate(vector, ops.exp, 20),
  log: differentiate(vector, (x) => ops.log(ops.add(ops.mul(x, x), x)), 4),
  tanh: differentiate(vector, ops.tanh, 12),
  sigmoid: differentiate(vector, ops.sigmoid, 100),
  relu: differentiate(vector, ops.relu),
  scale: differentiate(vector, (x) => ops.scale(x, 0.3)),
  "add and mul": differentiate(
    (dice) => {
      const [rows, columns] = [dice.size(10), dice.size(100)];
      return [[rows, columns], [rows, columns], [columns]];
    },
    (a, b, row) => ops.mul(ops.add(ops.mul(a, b), row), ops.add(a, row)),
  ),
  matmul: differentiate((dice) => {
    const [m, k, n] = [dice.size(90), dice.size(dice.size(4) === 1 ? 600 : 60), dice.size(90)];
    return [
      [m, k],
      [k, n],
    ];
  }, ops.matmul),
  linear: differentiate((dice) => {
    const [m, k, n] = [dice.size(90), dice.size(60), dice.size(90)];
    return [[m, k], [n, k], [n]];
  }, ops.linear),
  softmax: differentiate(matrix, ops.softmax, 30),
  "cross-entropy": (engine, dice) =>
    differentiate(
      matrix,
      (x) => {
        const [rows, classes] = x.shape;
        return ops.crossEntropy(x, engine.ids(dice.ids(rows, classes), [rows]));
      },
      30,
    )(engine, dice),
  dropout: differentiate(vector, (x) => {
    x.engine.random.state = { seed: 2, block: 0 };
    return ops.dropout(x, 0.3);
  }),
  embedding: (engine, dice) =>
    differentiate(matrix, (table) => ops.embedding(table, engine.ids(dice.ids(30, table.shape[0]), [30])))(
      engine,
      dice,
    ),
  "layer norm": (engine, dice) => {
    const norm = new LayerNorm(engine, { size: dice.size(60) });
    const results = differentiate(
      (dice) => [[dice.size(20), norm.weight.size]],
      (x) => norm.forward(x),
    )(engine, dice);
    norm.free();
    return results;
  },
  rnn: recurrent((engine, _, sizes) => new RNN(engine, sizes)),
  "rnn with relu, both directions": recurrent(
    (engine, _, sizes) => new RNN(engine, { ...sizes, nonlinearity: "relu", bidirectional: true }),
  ),
  lstm: recurrent((engine, _, sizes) => new LSTM(engine, { ...sizes, numLayers: 2 })),
  "lstm with a projection, both directions": recurrent(
    (engine, dice, sizes) =>
      new LSTM(engine, { ...sizes, projSize: dice.size(sizes.hiddenSize - 1), bidirectional: true }),
  ),
  gru: recurrent((engine, _, sizes) => new GRU(engine, sizes)),
  "gru, reset before, both directions": recurrent(
    (engine, _, sizes) => new GRU(engine, { ...sizes, resetAfter: false, bidirectional: true }),
  ),
  sgd: optimize((parameters) => new SGD(parameters, { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 })),
  adam: optimize((parameters) => new Adam(parameters, { learningRate: 0.1, weightDecay: 0.01 })),
  adamw: optimize((parameters) => new AdamW(parameters, { learningRate: 0.1 })),
  rmsprop: optimize((parameters) => new RMSProp(parameters, { learningRate: 0.1, momentum: 0.5 })),
};

// The same operations in the same order: joining pairs of vectors changes no bit, for the machine fuses in both builds.
describe.skipIf(!HAS_WIDE)("the wide build gives the relaxed build's bits", () => {
  let [wide, relaxed]: Engine[] = [];
  beforeAll(async () => {
    // First: the flag would hold for the other too.
    relaxed = await createEngine({ threads: 1 });
    // The baseline compiler joins nothing: every kernel leaves it at its first call.
    v8.setFlagsFromString("--wasm-sync-tier-up");
    v8.setFlagsFromString("--wasm-tiering-budget=1");
    wide = await createEngine({ threads: 1, wide: true });
    expect([relaxed.build, wide.build, wide.narrow]).toEqual(["relaxed", "wide", undefined]);
  });
  afterAll(() => {
    wide.close();
    relaxed.close();
  });

  it.each(Object.keys(PROGRAMS))("%s, in random shapes", (name) => {
    for (let round = 0; round < ROUNDS; round++) {
      const expected = PROGRAMS[name](relaxed, new Dice(round));
      const actual = PROGRAMS[name](wide, new Dice(round));
      for (const [i, values] of expected.entries()) {
        expectSameBits(actual[i], values, `${name}, round ${round}, result ${i}`);
      }
    }
  });
});
