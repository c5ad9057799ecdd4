import { beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { LanguageModel } from "../../src/models/language-model.ts";
import {
  type CellOptions,
  type CellState,
  GRU,
  GRUCell,
  LayerNorm,
  LSTM,
  LSTMCell,
  type LSTMOptions,
  RNN,
  RNNCell,
} from "../../src/nn/index.ts";
import type { Module } from "../../src/nn/module.ts";
import { loadStateDict } from "../../src/nn/state-dict.ts";
import { add, crossEntropy, mul, scale, sum } from "../../src/tensor/ops.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { type Fixture, readFixture } from "../helpers/fixtures.ts";

const layers = readFixture("recurrent");
const directions = readFixture("directions");
const cells = readFixture("cells");
const norms = readFixture("layer_norm");
const models = readFixture("language_model");

/** Fills every parameter from the fixture, which must have the same names and shapes and no others. */
function load(module: Module, fixture: Fixture, prefix: string): void {
  const parameters = /^((embedding|rnn|decoder)\.)?(weight|bias)(_[a-z0-9_]+)?$/;
  const names = fixture.names.filter(
    (name) => name.startsWith(prefix) && parameters.test(name.slice(prefix.length)),
  );
  const tensors = names.map(
    (name) => [name.slice(prefix.length), { dtype: "F32", ...fixture.get(name) } as const] as const,
  );
  loadStateDict(module, new Map(tensors));
}

/** The names of the fixture's results that start with the prefix, to see that a test compares all of them. */
function gradientNames(fixture: Fixture, prefix: string): string[] {
  return fixture.names
    .filter((name) => name.startsWith(`${prefix}grad.`))
    .map((name) => name.slice(prefix.length));
}

/** Every result as in the fixture, and every gradient that the fixture has. */
function expectResults(results: Map<string, Float32Array>, fixture: Fixture, prefix: string): void {
  for (const name of gradientNames(fixture, prefix)) expect([...results.keys()]).toContain(name);
  for (const [name, actual] of results) expectClose(actual, fixture.get(prefix + name).data, 1e-5, name);
}

forEachBuild((_build, create) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });

  describe("recurrent layers", () => {
    for (const prefix of JSON.parse(layers.metadata.cases) as string[]) {
      it(prefix, () => {
        const [cell, numLayers] = prefix.split(".");
        const options = {
          inputSize: Number(layers.metadata.inputSize),
          hiddenSize: Number(layers.metadata.hiddenSize),
          numLayers: Number(numLayers),
          bias: !prefix.includes("nobias"),
        };
        const module = makeLayer(engine, cell, options);
        load(module, layers, prefix);
        expectResults(runLayer(engine, module, layers, prefix), layers, prefix);
        module.free();
      });
    }
  });

  describe("both directions, several lengths, projections", () => {
    const lengths = JSON.parse(directions.metadata.lengths) as number[];
    for (const prefix of JSON.parse(directions.metadata.cases) as string[]) {
      it(prefix, () => {
        const [cell, numLayers] = prefix.split(".");
        const number = (name: string): number => Number(directions.metadata[name]);
        const module = makeLayer(engine, cell, {
          inputSize: number("inputSize"),
          hiddenSize: number("hiddenSize"),
          numLayers: Number(numLayers),
          bidirectional: prefix.includes("both."),
          projSize: prefix.includes("projected.") ? number("projSize") : undefined,
        });
        load(module, directions, prefix);
        const rows = prefix.includes("ragged.") ? lengths : undefined;
        expectResults(runLayer(engine, module, directions, prefix, rows), directions, prefix);
        module.free();
      });
    }
  });

  describe("cells", () => {
    for (const prefix of JSON.parse(cells.metadata.cases) as string[]) {
      it(prefix, () => {
        const { shape } = cells.get(`${prefix}x`);
        const [, batch, inputSize] = shape;
        const hiddenSize = cells.get(`${prefix}h0`).shape[1];
        const module = makeCell(engine, prefix.split(".")[0], {
          inputSize,
          hiddenSize,
          bias: !prefix.includes("nobias"),
        });
        load(module, cells, prefix);
        const { x, h0: h, c0: c, ...run } = givenTensors(engine, module, cells, prefix);
        const results = engine.step(() => {
          const leaves = { x: x(), h0: h(), ...(module instanceof LSTMCell && { c0: c() }) };
          let state: CellState = { h: leaves.h0, c: leaves.c0 };
          const states = Array.from({ length: shape[0] }, (_, t) => {
            state = module.forward(leaves.x.view([batch, inputSize], t * batch * inputSize), state);
            return state;
          });
          sum(mul(state.h, run.given("grad_hn"))).backward();
          const all = (tensors: (Tensor | undefined)[]): Float32Array =>
            Float32Array.from(tensors.flatMap((tensor) => [...(tensor?.toArray() ?? [])]));
          const values: [string, Float32Array][] = [["output", all(states.map((step) => step.h))]];
          if (state.c) values.push(["cells", all(states.map((step) => step.c))]);
          return new Map([...values, ...run.gradients(leaves)]);
        });
        expectResults(results, cells, prefix);
        module.free();
      });
    }
  });

  describe("layer norm", () => {
    const options = { "": {}, "eps.": { eps: 0.25 }, "nobias.": { bias: false } };
    it.each(Object.entries(options))("%s", (prefix, options) => {
      const module = new LayerNorm(engine, { size: 7, ...options });
      load(module, norms, prefix);
      const { x, given, gradients } = givenTensors(engine, module, norms, prefix);
      const results = engine.step(() => {
        const leaves = { x: x() };
        const y = module.forward(leaves.x);
        sum(mul(y, given("grad_y"))).backward();
        return new Map([["y", y.toArray() as Float32Array] as const, ...gradients(leaves)]);
      });
      expectResults(results, norms, prefix);
      module.free();
    });
  });

  describe("language model", () => {
    for (const prefix of ["", "tied."]) {
      it(prefix === "" ? "with an output layer of its own" : "with tied weights", () => {
        const number = (name: string): number => Number(models.metadata[name]);
        const model = new LanguageModel(engine, {
          cell: "lstm",
          vocabSize: number("vocabSize"),
          embeddingSize: number(`${prefix}embeddingSize`),
          hiddenSize: number(`${prefix}hiddenSize`),
          numLayers: number("numLayers"),
          dropout: 0,
          tieWeights: prefix === "tied.",
        });
        load(model, models, prefix);
        const parameters = Array.from(model.namedParameters(), ([name]) => `grad.${name}`);
        expect(parameters.sort()).toEqual(gradientNames(models, prefix).sort());
        for (const [name, actual] of runModel(engine, model, prefix)) {
          expectClose(actual, models.get(prefix + name).data, 1e-5, name);
        }
        model.free();
      });
    }
  });
});

/** As runLayer, for the model's loss times the fixture's `lossScale`. */
function runModel(engine: Engine, model: LanguageModel, prefix: string): Map<string, Float32Array> {
  const ids = (name: string): Tensor => {
    const { shape, data } = models.ids(prefix + name);
    return engine.ids(data, shape);
  };
  return engine.step(() => {
    const { logits, state } = model.forward(ids("inputs"));
    const ignoreIndex = Number(models.metadata.ignoreIndex);
    const loss = crossEntropy(logits, ids("targets"), { ignoreIndex });
    scale(loss, Number(models.metadata.lossScale)).backward();
    const results: Record<string, Tensor> = { logits, hn: state.h, cn: state.c!, loss };
    for (const [name, parameter] of model.namedParameters()) results[`grad.${name}`] = parameter.gradient;
    return new Map(Object.entries(results).map(([name, y]) => [name, y.toArray() as Float32Array]));
  });
}

function makeLayer(engine: Engine, cell: string, options: LSTMOptions): RNN | LSTM | GRU {
  switch (cell) {
    case "rnn_tanh":
      return new RNN(engine, options);
    case "rnn_relu":
      return new RNN(engine, { ...options, nonlinearity: "relu" });
    case "lstm":
      return new LSTM(engine, options);
    case "gru":
      return new GRU(engine, options);
    case "gru_before":
      return new GRU(engine, { ...options, resetAfter: false });
    default:
      throw new Error(`the fixture has a cell ${cell} that no module stands for`);
  }
}

function makeCell(engine: Engine, cell: string, options: CellOptions): RNNCell | LSTMCell | GRUCell {
  switch (cell) {
    case "rnn_tanh":
      return new RNNCell(engine, options);
    case "rnn_relu":
      return new RNNCell(engine, { ...options, nonlinearity: "relu" });
    case "lstm":
      return new LSTMCell(engine, options);
    case "gru":
      return new GRUCell(engine, options);
    default:
      throw new Error(`the fixture has a cell ${cell} that no module stands for`);
  }
}

/** The fixture's inputs as tensors that want gradients, and the gradients of these and of all parameters. */
function givenTensors(engine: Engine, module: Module, fixture: Fixture, prefix: string) {
  const given = (name: string): Tensor => {
    const { shape, data } = fixture.get(prefix + name);
    return engine.tensor(data, shape);
  };
  const leaf = (name: string) => (): Tensor => {
    const tensor = given(name);
    tensor.requiresGrad = true;
    return tensor;
  };
  const gradients = (leaves: Record<string, Tensor>): [string, Float32Array][] =>
    [...Object.entries(leaves), ...module.namedParameters()].map(([name, tensor]) => [
      `grad.${name}`,
      tensor.gradient.toArray() as Float32Array,
    ]);
  return { x: leaf("x"), h0: leaf("h0"), c0: leaf("c0"), given, gradients };
}

/** One forward and backward pass under the fixture's upstream gradients: every result by its name there. */
function runLayer(
  engine: Engine,
  module: RNN | LSTM | GRU,
  fixture: Fixture,
  prefix: string,
  lengths?: number[],
): Map<string, Float32Array> {
  const { x, h0, c0, given, gradients } = givenTensors(engine, module, fixture, prefix);
  return engine.step(() => {
    const leaves = { x: x(), h0: h0(), ...(module instanceof LSTM && { c0: c0() }) };
    const { output, state } = module.forward(leaves.x, { h: leaves.h0, c: leaves.c0 }, { lengths });
    const results: Record<string, Tensor> = { output, hn: state.h };
    if (state.c) results.cn = state.c;
    const terms = Object.entries(results).map(([name, y]) => sum(mul(y, given(`grad_${name}`))));
    terms.reduce(add).backward();
    const values = Object.entries(results).map(([name, y]) => [name, y.toArray() as Float32Array] as const);
    return new Map([...values, ...gradients(leaves)]);
  });
}
