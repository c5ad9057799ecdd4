import { beforeAll, describe, expect, it } from "vitest";
import { diagnose, diagnoseLoss, type LayerDiagnosis } from "../../src/diagnose/diagnose.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { LanguageModel } from "../../src/models/language-model.ts";
import { GRU, LSTM, Module, RNN } from "../../src/nn/index.ts";
import { mul, sum } from "../../src/tensor/ops.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { readFixture } from "../helpers/fixtures.ts";
import { random } from "../helpers/random.ts";

const fixture = readFixture("cells");
const norm = (values: Float32Array): number => Math.sqrt(values.reduce((total, x) => total + x * x, 0));
/** The norm of each of the `count` equal parts. */
const norms = (values: Float32Array, count: number): number[] => {
  const size = values.length / count;
  return Array.from({ length: count }, (_, i) => norm(values.subarray(i * size, (i + 1) * size)));
};

forEachBuild((_build, create) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create({ seed: 4 });
  });

  it("tells the norm of all weights' gradients together, which clipping looks at", () => {
    const layer = new LSTM(engine, { inputSize: 3, hiddenSize: 5 });
    const x = random(4 * 2 * 3, 9);
    const loss = (): Tensor => sum(layer.forward(engine.tensor(x, [4, 2, 3])).state.h);
    const { gradientNorm } = diagnoseLoss(engine, layer, loss);
    engine.step(() => loss().backward());
    const gradients = layer.parameters().flatMap(({ gradient }) => [...gradient.toArray()]);
    expect(gradientNorm).toBeCloseTo(norm(Float32Array.from(gradients)), 5);
    layer.free();
  });

  describe("norms of gradients are those of PyTorch's retain_grad on every step of a loop:", () => {
    it.each([
      ["rnn_tanh.", RNN, {}],
      ["rnn_relu.", RNN, { nonlinearity: "relu" }],
      ["lstm.", LSTM, {}],
      ["gru.", GRU, {}],
    ] as const)("%s", (prefix, Layer, options) => {
      const get = (name: string): Float32Array => fixture.get(prefix + name).data;
      const [steps, batch, inputSize] = fixture.get(`${prefix}x`).shape;
      const hiddenSize = fixture.get(`${prefix}h0`).shape[1];
      const layer = new Layer(engine, { inputSize, hiddenSize, ...options });
      for (const [name, parameter] of layer.namedParameters()) parameter.set(get(name.replace("_l0", "")));
      const { loss, layers } = diagnoseLoss(engine, layer, () => {
        const x = engine.tensor(get("x"), [steps, batch, inputSize]);
        const h = engine.tensor(get("h0"), [1, batch, hiddenSize]);
        const c = Layer === LSTM ? engine.tensor(get("c0"), [1, batch, hiddenSize]) : undefined;
        const { state } = layer.forward(x, { h, c });
        return sum(mul(state.h, engine.tensor(get("grad_hn"), [1, batch, hiddenSize])));
      });
      const last = get("output").subarray(-batch * hiddenSize);
      const expectedLoss = last.reduce((total, h, i) => total + h * get("grad_hn")[i], 0);
      expect(loss).toBeCloseTo(expectedLoss, 4);
      expect(layers).toHaveLength(1);
      const [{ hiddenGradient, cellGradient }] = layers;
      const expected = [...norms(get("dHidden"), steps).reverse(), norm(get("grad.h0"))];
      expectClose(hiddenGradient, expected, 1e-5, "dL/dh");
      if (Layer === LSTM) {
        const expected = [...norms(get("dCell"), steps).reverse(), norm(get("grad.c0"))];
        expectClose(cellGradient!, expected, 1e-5, "dL/dc");
      } else expect(cellGradient).toBeUndefined();
      layer.free();
    });
  });

  describe.each([
    ["RNN", RNN],
    ["LSTM", LSTM],
    ["GRU", GRU],
  ] as const)("%s", (_name, Layer) => {
    const sizes = { inputSize: 3, hiddenSize: 5 };
    const run = (layer: RNN | LSTM | GRU, data: Float32Array, steps: number, lengths?: number[]) =>
      diagnoseLoss(engine, layer, () => {
        const x = engine.tensor(data, [steps, data.length / steps / 3, 3]);
        return sum(layer.forward(x, undefined, { lengths }).state.h);
      }).layers;

    it("in reverse is the forward direction of the reversed sequence", () => {
      const both = new Layer(engine, { ...sizes, bidirectional: true });
      const single = new Layer(engine, sizes);
      const parameters = new Map(both.namedParameters());
      for (const [name, parameter] of single.namedParameters()) {
        parameter.set(parameters.get(`${name}_reverse`)!.toArray());
      }
      const data = random(4 * 2 * 3, 1);
      const flipped = Float32Array.from([3, 2, 1, 0].flatMap((t) => [...data.subarray(t * 6, (t + 1) * 6)]));
      const reverse = run(both, data, 4)[1];
      const forward = run(single, flipped, 4)[0];
      expect([reverse.direction, forward.direction]).toEqual(["reverse", "forward"]);
      compare(reverse, forward);
      both.free();
      single.free();
    });

    it("counts distances from each row's own end, and no padding", () => {
      const layer = new Layer(engine, { ...sizes, bidirectional: true });
      const data = random(5 * 2 * 3, 1);
      const row = (b: number, steps: number): Float32Array =>
        Float32Array.from(
          // Two of the same: a batch of one takes another kernel.
          Array.from({ length: steps }, (_, t) => {
            const x = data.subarray((t * 2 + b) * 3, (t * 2 + b + 1) * 3);
            return [...x, ...x];
          }).flat(),
        );
      const ragged = run(layer, data, 5, [5, 2]);
      const [long, short] = [run(layer, row(0, 5), 5), run(layer, row(1, 2), 2)];
      for (const [i, { hiddenGradient, gates }] of ragged.entries()) {
        expect(hiddenGradient).toHaveLength(6);
        for (const [d, value] of hiddenGradient.entries()) {
          const squares = [long, short].map((layers) => (layers[i].hiddenGradient[d] ?? 0) ** 2 / 2);
          expect(value).toBeCloseTo(Math.sqrt(squares[0] + squares[1]), 5);
        }
        for (const [name, { mean }] of Object.entries(gates)) {
          const expected = (5 * long[i].gates[name].mean + 2 * short[i].gates[name].mean) / 7;
          expect(mean).toBeCloseTo(expected, 5);
        }
      }
      layer.free();
    });

    it("has the spectral radius of each gate's block", () => {
      const layer = new Layer(engine, { ...sizes, recurrentInit: "orthogonal" });
      const weight = [...layer.namedParameters()].find(([name]) => name === "weight_hh_l0")![1];
      // Gate by gate a rotation times 0.5, 1, 1.5 and 2.
      weight.set(weight.toArray().map((x, i) => x * 0.5 * (1 + Math.floor(i / 25))));
      const [{ spectralRadius, gates }] = run(layer, random(6, 1), 1);
      expect(Object.keys(spectralRadius)).toEqual(Object.keys(gates));
      for (const [i, radius] of Object.values(spectralRadius).entries()) {
        expect(radius).toBeCloseTo(0.5 * (i + 1), 5);
      }
      layer.free();
    });
  });

  it("says what the gates do, where it is known", () => {
    const layer = new LSTM(engine, { inputSize: 3, hiddenSize: 2 });
    const parameters = new Map(layer.namedParameters());
    for (const parameter of parameters.values()) parameter.set(new Float32Array(parameter.size));
    // i: shut and half open; f: 0.9 and always open; g: −1 and 1; o: ¾ and ¼.
    const [f, o] = [Math.log(9), Math.log(3)];
    parameters.get("bias_ih_l0")!.set([-9, 0, f, 200, -9, 9, o, -o]);
    const { gates, memory } = diagnoseLoss(engine, layer, () =>
      sum(layer.forward(engine.zeros([4, 3, 3])).output),
    ).layers[0];
    const shut = 1 / (1 + Math.exp(9));
    expect(gates.i.mean).toBeCloseTo((shut + 0.5) / 2, 6);
    expect([gates.i.low, gates.i.high]).toEqual([0.5, 0]);
    expect(gates.f.high).toBeGreaterThanOrEqual(0.5);
    expect([gates.g.low, gates.g.high]).toEqual([0.5, 0.5]);
    expect(gates.g.mean).toBeCloseTo(0, 6);
    expect(gates.o).toMatchObject({ low: 0, high: 0 });
    expect(gates.o.mean).toBeCloseTo(0.5, 6);
    expect(memory?.mean).toBeCloseTo(0.95, 6);
    expect(memory?.halfLives[0]).toBeCloseTo(Math.log(0.5) / Math.log(0.9), 4);
    expect(memory?.halfLives[1]).toBeNull();
    layer.free();
  });

  it("says how many units of a relu network are dead", () => {
    const layer = new RNN(engine, { inputSize: 1, hiddenSize: 4, nonlinearity: "relu" });
    for (const parameter of layer.parameters()) parameter.set(new Float32Array(parameter.size));
    layer.parameters()[2].set([-1, -1, -1, 2]);
    const [{ gates }] = diagnoseLoss(engine, layer, () =>
      sum(layer.forward(engine.zeros([3, 2, 1])).output),
    ).layers;
    expect(gates).toEqual({ h: { mean: 0.5, low: 0.75, high: 0 } });
    layer.free();
  });

  it("measures a projection together with W_hh", () => {
    const layer = new LSTM(engine, { inputSize: 1, hiddenSize: 2, projSize: 1 });
    const parameters = new Map(layer.namedParameters());
    parameters.get("weight_hr_l0")!.set([2, 3]);
    parameters.get("weight_hh_l0")!.set([1, 1, -1, 0, 0, 0.5, 0, 0]);
    const [{ spectralRadius }] = diagnoseLoss(engine, layer, () =>
      sum(layer.forward(engine.zeros([2, 2, 1])).output),
    ).layers;
    expect(spectralRadius).toEqual({ i: 5, f: 2, g: 1.5, o: 0 });
    layer.free();
  });

  describe("a language model", () => {
    const batch = {
      inputs: Int32Array.from({ length: 24 }, (_, i) => (i * 5) % 7),
      targets: Int32Array.from({ length: 24 }, (_, i) => (i * 3) % 7),
      steps: 8,
      batchSize: 3,
      continues: false,
    };

    it("is described layer by layer, and left as it was", () => {
      const config = { vocabSize: 7, hiddenSize: 6, numLayers: 2, dropout: 0.5 };
      const model = new LanguageModel(engine, config);
      model.rnn.eval();
      const random = engine.random.state;
      const memory = engine.memory.persistentBytes;
      const first = diagnose(model, batch);
      expect(first.layers.map(({ module, layer, direction }) => [module, layer, direction])).toEqual([
        ["rnn", 0, "forward"],
        ["rnn", 1, "forward"],
      ]);
      expect(first.layers[0]).toMatchObject({ kind: "lstm", steps: 8, batchSize: 3, hiddenSize: 6 });
      expect(first.layers[0].hiddenGradient).toHaveLength(9);
      expect(first.layers[0].memory?.halfLives).toHaveLength(6);
      expect(JSON.parse(JSON.stringify(first))).toEqual(first);
      expect(diagnose(model, batch)).toEqual(first);
      expect([model.training, model.rnn.training]).toEqual([true, false]);
      expect(model.rnn.trace).toBeUndefined();
      expect(engine.random.state).toEqual(random);
      expect(engine.memory.persistentBytes).toBe(memory);
      for (const { gradient } of model.parameters()) expect(norm(gradient.toArray() as Float32Array)).toBe(0);
      model.free();
    });

    it("with a prediction at one step alone shows how far its gradient reaches", () => {
      const model = new LanguageModel(engine, { cell: "rnn", vocabSize: 7, hiddenSize: 6 });
      const targets = batch.targets.map((id, i) => (Math.floor(i / 3) === 5 ? id : -1));
      const [{ hiddenGradient }] = diagnose(model, { ...batch, targets }).layers;
      // Step 5 writes the state that is two before the last.
      expect(hiddenGradient.slice(0, 2)).toEqual([0, 0]);
      for (const value of hiddenGradient.slice(2)) expect(value).toBeGreaterThan(0);
      model.free();
    });
  });

  it("leaves no trace behind where the loss fails", () => {
    class Failing extends Module {
      readonly inner = new GRU(engine, { inputSize: 2, hiddenSize: 2 });
    }
    const module = new Failing();
    const fail = (): Tensor => {
      module.inner.forward(engine.zeros([1, 1, 2]));
      throw new RangeError("no loss");
    };
    expect(() => diagnoseLoss(engine, module, fail)).toThrow("no loss");
    expect(module.inner.trace).toBeUndefined();
    expect(module.training).toBe(true);
    module.free();
  });
});

function compare(a: LayerDiagnosis, b: LayerDiagnosis): void {
  expectClose(a.hiddenGradient, b.hiddenGradient, 1e-5);
  if (a.cellGradient || b.cellGradient) expectClose(a.cellGradient!, b.cellGradient!, 1e-5);
  for (const [name, { mean, low, high }] of Object.entries(a.gates)) {
    expect(mean).toBeCloseTo(b.gates[name].mean, 5);
    expect([low, high]).toEqual([b.gates[name].low, b.gates[name].high]);
  }
  expect(a.spectralRadius).toEqual(b.spectralRadius);
}
