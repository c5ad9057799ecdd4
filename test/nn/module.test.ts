import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { ConfigError, EngineError, ShapeError } from "../../src/errors.ts";
import { LanguageModel } from "../../src/models/language-model.ts";
import { Dropout, Embedding, GRU, GRUCell, Linear, LSTM, Module, RNN } from "../../src/nn/index.ts";
import { mul, sum } from "../../src/tensor/ops.ts";
import { Parameter } from "../../src/tensor/tensor.ts";
import { random } from "../helpers/random.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible" });
});
afterAll(() => engine.close());

const names = (module: Module): string[] => Array.from(module.namedParameters(), ([name]) => name);

/** Modules in all the places where a module of one's own may have them. */
class Nested extends Module {
  readonly scale: Parameter;
  readonly embedding: Embedding;
  readonly layers: Linear[];
  readonly inner: Inner;
  readonly label = "no parameter";

  constructor(engine: Engine) {
    super();
    this.scale = new Parameter(engine, [1]);
    this.embedding = new Embedding(engine, { vocabSize: 4, embeddingSize: 2 });
    this.layers = [2, 3].map((inputSize) => new Linear(engine, { inputSize, outputSize: 3 }));
    this.inner = new Inner(this.embedding.weight);
  }
}

class Inner extends Module {
  readonly shared: Parameter;
  readonly dropout = new Dropout(0.5);

  constructor(shared: Parameter) {
    super();
    this.shared = shared;
  }
}

describe("parameters", () => {
  it("are found in a subclass of a layer, beside the layer's own", () => {
    class Normed extends LSTM {
      readonly norm = new Linear(engine, { inputSize: 3, outputSize: 2 });
    }
    class NormedCell extends GRUCell {
      readonly norm = new Linear(engine, { inputSize: 3, outputSize: 2 });
    }
    const sizes = { inputSize: 2, hiddenSize: 3 };
    const own = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
    const added = ["norm.weight", "norm.bias"];
    const layer = new Normed(engine, sizes);
    expect(names(layer)).toEqual([...added, ...own.map((name) => `${name}_l0`)]);
    const cell = new NormedCell(engine, sizes);
    expect(names(cell)).toEqual([...added, ...own]);
    layer.free();
    cell.free();
  });

  it("are named after the properties they are in, a shared one once", () => {
    const module = new Nested(engine);
    expect(names(module)).toEqual([
      "scale",
      "embedding.weight",
      "layers.0.weight",
      "layers.0.bias",
      "layers.1.weight",
      "layers.1.bias",
    ]);
    expect(module.parameters()).toHaveLength(6);
    expect(module.parameterCount).toBe(1 + 8 + 6 + 3 + 9 + 3);
    module.free();
  });

  it("have PyTorch's names in layers", () => {
    const options = { inputSize: 2, hiddenSize: 3 };
    const of = (layer: number): string[] =>
      ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((name) => `${name}_l${layer}`);
    const modules: [Module, string[]][] = [
      [new RNN(engine, options), of(0)],
      [new LSTM(engine, { ...options, numLayers: 2 }), [...of(0), ...of(1)]],
      [new GRU(engine, { ...options, bias: false }), ["weight_ih_l0", "weight_hh_l0"]],
      [new Linear(engine, { inputSize: 2, outputSize: 3 }), ["weight", "bias"]],
      [new Linear(engine, { inputSize: 2, outputSize: 3, bias: false }), ["weight"]],
      [new Embedding(engine, { vocabSize: 4, embeddingSize: 2 }), ["weight"]],
      [new Dropout(0.5), []],
    ];
    for (const [module, expected] of modules) {
      expect(names(module)).toEqual(expected);
      module.free();
    }
  });

  it("have PyTorch's shapes in layers", () => {
    for (const [Layer, gates] of [
      [RNN, 1],
      [LSTM, 4],
      [GRU, 3],
    ] as const) {
      const layer = new Layer(engine, { inputSize: 2, hiddenSize: 5, numLayers: 2 });
      const rows = gates * 5;
      const shapes = layer.parameters().map((parameter) => [...parameter.shape]);
      const second = [[rows, 5], [rows, 5], [rows], [rows]];
      expect(shapes).toEqual([[rows, 2], ...second.slice(1), ...second]);
      layer.free();
    }
  });

  it("appear once in a model with tied weights, and gather both gradients", () => {
    const options = { vocabSize: 7, hiddenSize: 4 };
    const tied = new LanguageModel(engine, { ...options, tieWeights: true });
    const own = new LanguageModel(engine, options);
    expect(names(own).filter((name) => !names(tied).includes(name))).toEqual(["decoder.weight"]);
    expect(tied.decoder.weight).toBe(tied.embedding.weight);
    expect(own.parameterCount - tied.parameterCount).toBe(28);

    // With the same numbers in both, the shared gradient is the sum of the two separate ones.
    const sources = new Map(tied.namedParameters());
    for (const [name, parameter] of own.namedParameters()) {
      parameter.set(sources.get(name === "decoder.weight" ? "embedding.weight" : name)!.toArray());
    }
    const gradient = (model: LanguageModel): void =>
      engine.step(() => {
        const { logits } = model.forward(engine.ids([1, 6, 6, 3], [2, 2]));
        sum(mul(logits, engine.tensor(random(28, 1), [2, 2, 7]))).backward();
      });
    gradient(tied);
    gradient(own);
    const both = [own.embedding.weight, own.decoder.weight].map(({ gradient }) => gradient.toArray());
    const shared = tied.embedding.weight.gradient.toArray();
    for (const [i, value] of shared.entries()) expect(value).toBeCloseTo(both[0][i] + both[1][i], 5);
    tied.free();
    own.free();
  });

  it("start within the bounds of PyTorch's defaults, from the engine's seed", async () => {
    const make = async (seed: number): Promise<Float32Array[]> => {
      const engine = await createEngine({ numerics: "reproducible", seed });
      const layer = new LSTM(engine, { inputSize: 20, hiddenSize: 25 });
      const linear = new Linear(engine, { inputSize: 100, outputSize: 30 });
      const embedding = new Embedding(engine, { vocabSize: 100, embeddingSize: 50 });
      const values = [layer, linear, embedding].map((module) =>
        Float32Array.from(module.parameters().flatMap((parameter) => [...parameter.toArray()])),
      );
      engine.close();
      return values;
    };
    const [layer, linear, embedding] = await make(3);
    const largest = (values: Float32Array): number => values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    const deviation = (values: Float32Array): number =>
      Math.sqrt(values.reduce((total, x) => total + x * x, 0) / values.length);
    for (const [values, bound] of [
      [layer, 1 / 5],
      [linear, 1 / 10],
    ] as const) {
      expect(largest(values)).toBeLessThanOrEqual(Math.fround(bound));
      expect(largest(values)).toBeGreaterThan(0.98 * bound);
      expect(deviation(values) * Math.sqrt(3)).toBeCloseTo(bound, 2);
    }
    expect(deviation(embedding)).toBeCloseTo(1, 1);
    expect(await make(3)).toEqual([layer, linear, embedding]);
    expect(await make(4)).not.toEqual([layer, linear, embedding]);
  });

  it("have gradients that zeroGradients() clears", () => {
    const module = new Linear(engine, { inputSize: 2, outputSize: 2 });
    engine.step(() => sum(module.forward(engine.tensor([1, 2], [1, 2]))).backward());
    expect([...module.weight.gradient.toArray()]).toEqual([1, 2, 1, 2]);
    module.zeroGradients();
    for (const parameter of module.parameters()) {
      expect(parameter.gradient.toArray()).toEqual(new Float32Array(parameter.size));
    }
    module.free();
  });
});

describe("training and evaluation", () => {
  it("switch reaches every module inside", () => {
    const module = new Nested(engine);
    const all = [module, module.embedding, ...module.layers, module.inner, module.inner.dropout];
    expect(all.map(({ training }) => training)).toEqual(all.map(() => true));
    expect(module.eval()).toBe(module);
    expect(all.map(({ training }) => training)).toEqual(all.map(() => false));
    expect(module.train()).toBe(module);
    expect(all.map(({ training }) => training)).toEqual(all.map(() => true));
    module.free();
  });

  it("switch reaches a language model's layers", () => {
    const model = new LanguageModel(engine, { vocabSize: 3, hiddenSize: 2, dropout: 0.5 }).eval();
    expect([model.rnn.training, model.dropout.training]).toEqual([false, false]);
    model.free();
  });

  it("Dropout zeroes its share and scales the rest, in training alone", () => {
    const dropout = new Dropout(0.25);
    const of = (): number[] =>
      engine.infer(() => [
        ...dropout.forward(engine.tensor(new Float32Array(4000).fill(3), [4000])).toArray(),
      ]);
    const values = of();
    expect(new Set(values)).toEqual(new Set([0, 4]));
    expect(values.filter((value) => value === 0).length / 4000).toBeCloseTo(0.25, 1);
    expect(of()).not.toEqual(values);
    dropout.eval();
    expect(new Set(of())).toEqual(new Set([3]));
  });

  it("dropout is between layers, and off in evaluation", () => {
    for (const Layer of [RNN, LSTM, GRU]) {
      const make = (numLayers: number, dropout: number): RNN | LSTM | GRU => {
        engine.random.state = { seed: 5, block: 0 };
        return new Layer(engine, { inputSize: 3, hiddenSize: 8, numLayers, dropout });
      };
      const run = (layer: RNN | LSTM | GRU): Float32Array[] =>
        engine.infer(() => {
          const { output, state } = layer.forward(engine.tensor(random(24, 1), [4, 2, 3]));
          return [output, state.h, ...(state.c ? [state.c] : [])].map((t) => t.toArray() as Float32Array);
        });
      const plain = make(2, 0);
      const dropping = make(2, 0.5);
      const expected = run(plain);
      const first = run(dropping);
      const slot = 16;
      expect(first[0]).not.toEqual(expected[0]);
      expect(run(dropping)[0], "another mask").not.toEqual(first[0]);
      // The first layer's states come before any dropout, the last layer's output after none.
      expect(first[1].slice(0, slot)).toEqual(expected[1].slice(0, slot));
      expect(first[0].slice(-slot)).toEqual(first[1].slice(slot));
      expect(run(dropping.eval())).toEqual(expected);
      const single = make(1, 0.5);
      const singlePlain = make(1, 0);
      expect(run(single)).toEqual(run(singlePlain));
      for (const module of [plain, dropping, single, singlePlain]) module.free();
    }
  });
});

describe("states", () => {
  it("carry a sequence on where it was cut", () => {
    for (const Layer of [RNN, LSTM, GRU]) {
      const layer = new Layer(engine, { inputSize: 3, hiddenSize: 4, numLayers: 2 });
      const data = random(30, 1);
      engine.infer(() => {
        const whole = layer.forward(engine.tensor(data, [5, 2, 3]));
        const head = layer.forward(engine.tensor(data.slice(0, 12), [2, 2, 3]));
        const tail = layer.forward(engine.tensor(data.slice(12), [3, 2, 3]), head.state);
        expect(tail.output.toArray()).toEqual(whole.output.toArray().slice(16));
        expect(tail.state.h.toArray()).toEqual(whole.state.h.toArray());
        expect(tail.state.c?.toArray()).toEqual(whole.state.c?.toArray());
      });
      layer.free();
    }
  });

  it("start from zeros", () => {
    const layer = new LSTM(engine, { inputSize: 3, hiddenSize: 4 });
    engine.infer(() => {
      const x = engine.tensor(random(6, 1), [1, 2, 3]);
      const without = layer.forward(x).output.toArray();
      expect(layer.forward(x, layer.zeroState(2)).output.toArray()).toEqual(without);
    });
    layer.free();
  });

  it("of another shape are refused", () => {
    const layer = new LSTM(engine, { inputSize: 3, hiddenSize: 4, numLayers: 2 });
    engine.infer(() => {
      const x = engine.zeros([5, 2, 3]);
      const state = engine.zeros([2, 2, 4]);
      const wrong = engine.zeros([2, 3, 4]);
      expect(() => layer.forward(engine.zeros([5, 2, 4]))).toThrow(ShapeError);
      expect(() => layer.forward(engine.zeros([5, 2, 4]))).toThrow(
        "expected the shape [T, B, 3], got zeros [5,2,4]",
      );
      expect(() => layer.forward(x, { h: wrong, c: state })).toThrow("state.h: expected the shape [2, 2, 4]");
      expect(() => layer.forward(x, { h: state, c: wrong })).toThrow("state.c: expected the shape [2, 2, 4]");
      expect(() => layer.forward(x, { h: state })).toThrow(ConfigError);
      expect(() => layer.forward(x, { h: state })).toThrow("an LSTM's state has h and c, got h alone");
    });
    layer.free();
  });
});

describe("free()", () => {
  it("gives the memory of everything back, and twice does no harm", () => {
    const before = engine.memory.persistentBytes;
    const make = (): Module[] => [
      new Nested(engine),
      new LSTM(engine, { inputSize: 3, hiddenSize: 4, numLayers: 3 }),
      new LanguageModel(engine, { cell: "gru", vocabSize: 6, hiddenSize: 4, tieWeights: true }),
    ];
    const modules = make();
    expect(engine.memory.persistentBytes).toBeGreaterThan(before);
    const { bytes } = engine.memory;
    for (const module of modules) module.free();
    expect(engine.memory.persistentBytes).toBe(before);
    const parameter = modules[0].parameters()[0];
    expect(() => parameter.toArray()).toThrow(EngineError);

    const others = make();
    const during = engine.memory.persistentBytes;
    for (const module of modules) module.free();
    expect(engine.memory.persistentBytes).toBe(during);
    expect(engine.memory.bytes).toBe(bytes);
    for (const module of others) module.free();
    expect(engine.memory.persistentBytes).toBe(before);
  });
});

describe("options out of range", () => {
  it("refuses a shared weight of another shape, before any memory is taken", () => {
    const { weight } = new Embedding(engine, { vocabSize: 7, embeddingSize: 5 });
    const before = engine.memory.persistentBytes;
    expect(() => new Linear(engine, { inputSize: 7, outputSize: 5, weight })).toThrow(ShapeError);
    expect(engine.memory.persistentBytes).toBe(before);
    expect(new Linear(engine, { inputSize: 5, outputSize: 7, weight }).weight).toBe(weight);
  });

  const layer = { inputSize: 2, hiddenSize: 3 };
  const linear = { inputSize: 2, outputSize: 3 };
  const table = { vocabSize: 2, embeddingSize: 3 };
  const model = { vocabSize: 2, hiddenSize: 3 };
  const makers: [string, object, (options: never) => Module, string[]][] = [
    ["RNN", layer, (options) => new RNN(engine, options), ["inputSize", "hiddenSize", "numLayers"]],
    ["LSTM", layer, (options) => new LSTM(engine, options), ["inputSize", "hiddenSize", "numLayers"]],
    ["GRU", layer, (options) => new GRU(engine, options), ["inputSize", "hiddenSize", "numLayers"]],
    ["Linear", linear, (options) => new Linear(engine, options), ["inputSize", "outputSize"]],
    ["Embedding", table, (options) => new Embedding(engine, options), ["vocabSize", "embeddingSize"]],
    ["LanguageModel", model, (options) => new LanguageModel(engine, options), ["vocabSize", "embeddingSize"]],
  ];
  for (const [name, options, make, sizes] of makers) {
    it(`sizes of ${name}`, () => {
      const before = engine.memory.persistentBytes;
      for (const size of sizes) {
        for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 24 + 1, "8", null]) {
          const build = (): Module => make({ ...options, [size]: value } as never);
          expect(build, `${size} = ${value}`).toThrow(ConfigError);
          expect(build).toThrow(new RegExp(`^${size} must be an integer from 1 to 16777216, got `));
        }
      }
      expect(engine.memory.persistentBytes).toBe(before);
      make(options as never).free();
    });
  }

  it("probabilities", () => {
    for (const dropout of [-0.1, 1, Number.NaN, 2]) {
      expect(() => new Dropout(dropout)).toThrow(ConfigError);
      expect(() => new LSTM(engine, { ...layer, dropout })).toThrow(
        /^dropout must be from 0 up to .* 1, got /,
      );
      expect(() => new LanguageModel(engine, { ...model, dropout })).toThrow(ConfigError);
    }
  });

  it("names", () => {
    const nonlinearity = "sigmoid" as "tanh";
    expect(() => new RNN(engine, { ...layer, nonlinearity })).toThrow(ConfigError);
    expect(() => new RNN(engine, { ...layer, nonlinearity })).toThrow(
      'must be "tanh" or "relu", got "sigmoid"',
    );
    const cell = "transformer" as "rnn";
    expect(() => new LanguageModel(engine, { ...model, cell })).toThrow(ConfigError);
    expect(() => new LanguageModel(engine, { ...model, cell })).toThrow('rnn, lstm, gru, got "transformer"');
  });

  it("that contradict each other", () => {
    const options = { ...model, embeddingSize: 4, tieWeights: true };
    expect(() => new LanguageModel(engine, options)).toThrow(ConfigError);
    expect(() => new LanguageModel(engine, options)).toThrow("embeddingSize = hiddenSize, got 4 and 3");
  });

  it("sizes that are each fine but together too much", () => {
    const before = engine.memory.persistentBytes;
    const make = (): Module => new Linear(engine, { inputSize: 2 ** 24, outputSize: 2 ** 24 });
    expect(make).toThrow(EngineError);
    expect(make).toThrow(/^out of memory/);
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it("a model that does not fit, of which nothing is left", async () => {
    const small = await createEngine({ numerics: "reproducible", maximumMemory: 4 << 20, threads: 1 });
    const make = (hiddenSize: number) => new LanguageModel(small, { vocabSize: 50, hiddenSize });
    // The embedding fits, and so does half of what the layers take.
    expect(() => make(400)).toThrow(/^out of memory/);
    expect(small.memory.persistentBytes).toBeLessThan(4096);
    expect(make(100).parameterCount).toBeGreaterThan(80_000);
    small.close();
  });
});
