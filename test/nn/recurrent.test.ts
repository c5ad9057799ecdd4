import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { ConfigError, ShapeError } from "../../src/errors.ts";
import {
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  type LSTMOptions,
  type Module,
  RNN,
  RNNCell,
} from "../../src/nn/index.ts";
import { orthogonal } from "../../src/nn/init.ts";
import { add, mul, sum } from "../../src/tensor/ops.ts";
import { Parameter, type Tensor } from "../../src/tensor/tensor.ts";
import { expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { random } from "../helpers/random.ts";

const LAYERS = { RNN, LSTM, GRU };
const sizes = { inputSize: 3, hiddenSize: 5 };
const names = (module: Module): string[] => Array.from(module.namedParameters(), ([name]) => name);
const read = (tensor: Tensor): Float32Array => tensor.toArray() as Float32Array;

/** Row `row` of [T, B, F], its first `length` steps. */
function rowOf(values: Float32Array, batch: number, size: number, row: number, length: number): Float32Array {
  const steps = Array.from({ length }, (_, t) => {
    const at = (t * batch + row) * size;
    return [...values.subarray(at, at + size)];
  });
  return Float32Array.from(steps.flat());
}

forEachBuild((_build, create) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });

  describe.each(Object.entries(LAYERS))("%s, rows of several lengths", (_name, Layer) => {
    /** Output, states and all gradients, from a loss that weighs everything, padding too. */
    function run(
      module: RNN | LSTM | GRU,
      data: Float32Array,
      steps: number,
      batch: number,
      lengths?: number[],
    ) {
      module.zeroGradients();
      return engine.step(() => {
        const x = engine.tensor(data, [steps, batch, sizes.inputSize]);
        x.requiresGrad = true;
        const { output, state } = module.forward(x, undefined, { lengths });
        const weigh = (y: Tensor): Tensor => sum(mul(y, engine.tensor(random(y.size, 50), y.shape)));
        const outputs = [output, ...Object.values<Tensor>({ ...state })];
        outputs.map(weigh).reduce(add).backward();
        return {
          outputs: outputs.map(read),
          dx: read(x.gradient),
          gradients: module.parameters().map((parameter) => read(parameter.gradient)),
        };
      });
    }

    it("have the bits that each row has in a batch of its own length", () => {
      const numLayers = 2;
      const module = new Layer(engine, { ...sizes, numLayers, bidirectional: true });
      const lengths = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 6 });
      const property = fc.property(lengths, fc.nat(1000), (lengths, stream) => {
        // A single token takes another kernel.
        fc.pre(lengths.reduce((total, n) => total + n, 0) > 1);
        const batch = lengths.length;
        const data = random(5 * batch * sizes.inputSize, stream);
        const { outputs } = run(module, data, 5, batch, lengths);
        for (const [row, length] of lengths.entries()) {
          const output = rowOf(outputs[0], batch, 10, row, 5);
          expectSameBits(output.subarray(10 * length), new Float32Array(10 * (5 - length)), "padding");
          if (length === 0) continue;
          // Twice the same row: a batch of one takes another kernel.
          const alone = rowOf(data, batch, sizes.inputSize, row, length);
          const twice = new Float32Array(2 * alone.length);
          for (let i = 0; i < alone.length; i++) {
            const [t, j] = [Math.floor(i / sizes.inputSize), i % sizes.inputSize];
            twice[2 * t * sizes.inputSize + j] = twice[(2 * t + 1) * sizes.inputSize + j] = alone[i];
          }
          const plain = run(module, twice, length, 2);
          expectSameBits(
            output.subarray(0, 10 * length),
            rowOf(plain.outputs[0], 2, 10, 0, length),
            `output of row ${row}`,
          );
          for (let state = 1; state < outputs.length; state++) {
            const [a, b] = [outputs[state], plain.outputs[state]];
            const passes = 2 * numLayers;
            expectSameBits(rowOf(a, batch, 5, row, passes), rowOf(b, 2, 5, 0, passes), `state of row ${row}`);
          }
        }
      });
      fc.assert(property, { numRuns: 30 });
      module.free();
    });

    it("never read padding, forward or backward", () => {
      const module = new Layer(engine, { ...sizes, numLayers: 2, bidirectional: true });
      const lengths = [2, 0, 4, 3];
      const data = random(5 * 4 * 3, 1);
      const isPadding = (i: number): boolean => Math.floor(i / 12) >= lengths[Math.floor(i / 3) % 4];
      const clean = run(module, data, 5, 4, lengths);
      const spoilt = run(
        module,
        data.map((x, i) => (isPadding(i) ? Number.NaN : x)),
        5,
        4,
        lengths,
      );
      expect(spoilt).toEqual(clean);
      for (const [i, d] of clean.dx.entries()) expect(d === 0, `dx[${i}]`).toBe(isPadding(i));
      module.free();
    });

    it("that are all full are a plain batch", () => {
      const module = new Layer(engine, { ...sizes, bidirectional: true });
      const data = random(4 * 3 * 3, 1);
      expect(run(module, data, 4, 3, [4, 4, 4])).toEqual(run(module, data, 4, 3));
      module.free();
    });

    it("work in a batch of one", () => {
      const module = new Layer(engine, sizes);
      const data = random(5 * 3, 1);
      const { outputs } = run(module, data, 5, 1, [2]);
      const plain = run(module, data.subarray(0, 6), 2, 1);
      expect([...outputs[0]]).toEqual([...plain.outputs[0], ...new Float32Array(15)]);
      expect(outputs.slice(1)).toEqual(plain.outputs.slice(1));
      module.free();
    });

    it("of length 0 keep their initial state", () => {
      const module = new Layer(engine, { ...sizes, bidirectional: true });
      engine.infer(() => {
        const h = engine.tensor(random(2 * 2 * 5, 2), [2, 2, 5]);
        const x = engine.tensor(random(3 * 2 * 3, 1), [3, 2, 3]);
        const { state } = module.forward(x, { h, c: h }, { lengths: [0, 3] });
        expectSameBits(rowOf(read(state.h), 2, 5, 0, 2), rowOf(read(h), 2, 5, 0, 2));
        expect(rowOf(read(state.h), 2, 5, 1, 2)).not.toEqual(rowOf(read(h), 2, 5, 1, 2));
      });
      module.free();
    });

    it("give the same gradients while a trace is taken", () => {
      const module = new Layer(engine, { ...sizes, numLayers: 2, bidirectional: true });
      const data = random(4 * 3 * 3, 1);
      const plain = run(module, data, 4, 3, [2, 4, 3]);
      module.trace = [];
      expect(run(module, data, 4, 3, [2, 4, 3])).toEqual(plain);
      const passes = module.trace.map(({ layer, reverse }) => [layer, reverse]);
      expect(passes).toEqual([
        [0, false],
        [0, true],
        [1, false],
        [1, true],
      ]);
      module.free();
    });

    it("are checked", () => {
      const module = new Layer(engine, sizes);
      engine.infer(() => {
        const x = engine.zeros([4, 3, 3]);
        const forward = (lengths: number[]) => () => module.forward(x, undefined, { lengths });
        expect(forward([1, 2])).toThrow(ShapeError);
        expect(forward([1, 2])).toThrow("lengths: expected one for each of 3 rows, got 2");
        for (const length of [5, -1, 1.5, Number.NaN]) {
          expect(forward([1, length, 2])).toThrow(ShapeError);
          expect(forward([1, length, 2])).toThrow(`expected integers from 0 to 4, got ${length} for row 1`);
        }
        expect(forward([0, 0, 0])).toThrow("at least one row with a step");
        const ids = engine.ids(new Int32Array(36), [4, 3, 3]);
        expect(() => module.forward(ids, undefined, { lengths: [1, 2, 3] })).toThrow("a tensor of f32");
      });
      module.free();
    });
  });

  describe.each([
    ["RNN", RNN, RNNCell, {}],
    ["RNN, relu", RNN, RNNCell, { nonlinearity: "relu" }],
    ["LSTM", LSTM, LSTMCell, {}],
    ["GRU", GRU, GRUCell, {}],
    ["GRU, reset before", GRU, GRUCell, { resetAfter: false }],
  ] as const)("a cell of %s", (_name, Layer, Cell, options) => {
    it("does one step of the layer", () => {
      const layer = new Layer(engine, { ...sizes, ...options });
      const cell = new Cell(engine, { ...sizes, ...options });
      expect(names(cell)).toEqual(names(layer).map((name) => name.replace("_l0", "")));
      for (const [i, parameter] of layer.parameters().entries()) cell.parameters()[i].set(read(parameter));
      engine.infer(() => {
        const x = engine.tensor(random(2 * 3, 1), [2, 3]);
        const h = engine.tensor(random(2 * 5, 2), [2, 5]);
        const stacked = h.view([1, 2, 5]);
        const { state } = layer.forward(x.view([1, 2, 3]), { h: stacked, c: stacked });
        const next = cell.forward(x, { h, c: h });
        expectSameBits(read(next.h), read(state.h));
        if (next.c || state.c) expectSameBits(read(next.c!), read(state.c!));
        const zeros = engine.zeros([2, 5]);
        expect(read(cell.forward(x).h)).toEqual(read(cell.forward(x, { h: zeros, c: zeros }).h));
        expect(() => cell.forward(engine.zeros([2, 4]))).toThrow("expected the shape [B, 3]");
        if (state.c) expect(() => cell.forward(x, { h })).toThrow("an LSTM's state has h and c");
      });
      layer.free();
      cell.free();
    });
  });
});

describe("parameters", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ numerics: "reproducible", seed: 11 });
  });

  it("have PyTorch's names and shapes in both directions, projected", () => {
    const layer = new LSTM(engine, { ...sizes, numLayers: 2, bidirectional: true, projSize: 2 });
    const shapes = Array.from(layer.namedParameters(), ([name, { shape }]) => `${name} ${shape.join("×")}`);
    const of = (end: string, inputs: number): string[] => [
      `weight_ih_${end} 20×${inputs}`,
      `weight_hh_${end} 20×2`,
      `bias_ih_${end} 20`,
      `bias_hh_${end} 20`,
      `weight_hr_${end} 2×5`,
    ];
    expect(shapes).toEqual([...of("l0", 3), ...of("l0_reverse", 3), ...of("l1", 4), ...of("l1_reverse", 4)]);
    layer.free();
  });

  it.each([
    [LSTM, 4],
    [LSTMCell, 4],
    [GRU, 3],
    [RNN, 1],
  ] as const)("start orthogonal on demand, gate by gate: %s", (Layer, gates) => {
    const size = 17;
    const layer = new Layer(engine, { inputSize: 3, hiddenSize: size, recurrentInit: "orthogonal" });
    const [, weight] = [...layer.namedParameters()].find(([name]) => name.startsWith("weight_hh"))!;
    expect(weight.shape).toEqual([gates * size, size]);
    for (let gate = 0; gate < gates; gate++) {
      expectOrthonormal(read(weight).subarray(gate * size * size, (gate + 1) * size * size), size, size);
    }
    layer.free();
    const plain = new Layer(engine, { inputSize: 3, hiddenSize: size, recurrentInit: "uniform" });
    const uniform = [...plain.namedParameters()].find(([name]) => name.startsWith("weight_hh"))![1];
    expect(Math.max(...read(uniform))).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(size)));
    plain.free();
  });

  it.each([
    [7, 3],
    [3, 7],
    [1, 1],
  ])("orthogonal() takes %i rows and %i columns", (rows, columns) => {
    const parameter = new Parameter(engine, [2 * rows, columns]);
    orthogonal(parameter, 2);
    const values = read(parameter);
    expectOrthonormal(values.subarray(0, rows * columns), rows, columns);
    expectOrthonormal(values.subarray(rows * columns), rows, columns);
    const other = new Parameter(engine, [2 * rows, columns]);
    orthogonal(other, 2);
    if (rows * columns > 1) expect(read(other)).not.toEqual(values);
    if (rows > 1) expect(() => orthogonal(parameter, 2 * rows - 1)).toThrow(ShapeError);
    for (const blocks of [0, -1, 0.5]) expect(() => orthogonal(parameter, blocks)).toThrow(ShapeError);
    parameter.free();
    other.free();
  });

  it.each([LSTM, LSTMCell])("start with the forget bias asked for: %s", (Layer) => {
    const forget = (module: Module, name: string): number[] => {
      const [, bias] = [...module.namedParameters()].find(([key]) => key.startsWith(name))!;
      return [...read(bias).slice(5, 10)];
    };
    const layer = new Layer(engine, { ...sizes, forgetBias: 1.5 });
    expect(forget(layer, "bias_ih")).toEqual(new Array(5).fill(1.5));
    expect(forget(layer, "bias_hh")).toEqual(new Array(5).fill(0));
    const others = Array.from(layer.namedParameters(), ([name, bias]) =>
      name.startsWith("bias") ? [...read(bias).slice(0, 5), ...read(bias).slice(10)] : [1],
    ).flat();
    for (const value of others) expect(value === 0 || value === 1.5).toBe(false);
    const plain = new Layer(engine, sizes);
    for (const value of forget(plain, "bias_ih")) expect(Math.abs(value)).toBeLessThan(0.5);
    layer.free();
    plain.free();
  });

  it.each<[object, string, (typeof LAYERS)[keyof typeof LAYERS]]>([
    [{ projSize: 2 }, "projSize belongs to the LSTM, got it for rnn-tanh", RNN],
    [{ projSize: 2 }, "projSize belongs to the LSTM, got it for gru-after", GRU],
    [{ projSize: 5 }, "projSize must be below hiddenSize, 5, got 5", LSTM],
    [{ projSize: 0 }, "projSize must be an integer from 1", LSTM],
    [{ projSize: 1.5 }, "projSize must be an integer from 1", LSTM],
    [{ forgetBias: 1 }, "forgetBias belongs to the LSTM, got it for gru-after", GRU],
    [{ forgetBias: 1, bias: false }, "forgetBias needs biases", LSTM],
    [{ forgetBias: Number.NaN }, "forgetBias must be finite, got NaN", LSTM],
    [{ recurrentInit: "eye" }, 'recurrentInit must be "uniform" or "orthogonal", got "eye"', GRU],
  ])("refuse %o: %s", (options, message, Layer) => {
    const before = engine.memory.persistentBytes;
    const make = (): Module => new Layer(engine, { ...sizes, ...options } as LSTMOptions);
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
    expect(engine.memory.persistentBytes).toBe(before);
  });
});

/** The columns, or the rows where there are fewer, have length 1 and right angles. */
function expectOrthonormal(values: Float32Array, rows: number, columns: number): void {
  const count = Math.min(rows, columns);
  const at = (v: number, i: number): number => values[rows < columns ? v * columns + i : i * columns + v];
  for (let v = 0; v < count; v++) {
    for (let w = 0; w < count; w++) {
      let dot = 0;
      for (let i = 0; i < Math.max(rows, columns); i++) dot += at(v, i) * at(w, i);
      expect(dot).toBeCloseTo(v === w ? 1 : 0, 5);
    }
  }
}
