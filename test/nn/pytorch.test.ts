import { beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { LanguageModel } from "../../src/models/language-model.ts";
import { GRU, LSTM, RNN } from "../../src/nn/index.ts";
import type { Module } from "../../src/nn/module.ts";
import { add, crossEntropy, mul, scale, sum } from "../../src/tensor/ops.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { type Fixture, readFixture } from "../helpers/fixtures.ts";

const layers = readFixture("recurrent");
const models = readFixture("language_model");

/** Fills every parameter from the fixture, which must have it in the same shape. */
function load(module: Module, fixture: Fixture, prefix: string): void {
  for (const [name, parameter] of module.namedParameters()) {
    const { shape, data } = fixture.get(prefix + name);
    expect([...parameter.shape], name).toEqual(shape);
    parameter.set(data);
  }
}

/** The names of the fixture's results that start with the prefix, to see that a test compares all of them. */
function gradientNames(fixture: Fixture, prefix: string): string[] {
  return fixture.names
    .filter((name) => name.startsWith(`${prefix}grad.`))
    .map((name) => name.slice(prefix.length));
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
        const results = runLayer(engine, module, prefix);
        for (const name of gradientNames(layers, prefix)) expect([...results.keys()]).toContain(name);
        for (const [name, actual] of results) {
          expectClose(actual, layers.get(prefix + name).data, 1e-5, name);
        }
        module.free();
      });
    }
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

function makeLayer(
  engine: Engine,
  cell: string,
  options: { inputSize: number; hiddenSize: number; numLayers: number; bias: boolean },
): RNN | LSTM | GRU {
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

/** One forward and backward pass under the fixture's upstream gradients: every result by its name there. */
function runLayer(engine: Engine, module: RNN | LSTM | GRU, prefix: string): Map<string, Float32Array> {
  const given = (name: string): Tensor => {
    const { shape, data } = layers.get(prefix + name);
    return engine.tensor(data, shape);
  };
  const leaf = (name: string): Tensor => {
    const tensor = given(name);
    tensor.requiresGrad = true;
    return tensor;
  };
  return engine.step(() => {
    const leaves: Record<string, Tensor> = { x: leaf("x"), h0: leaf("h0") };
    if (module instanceof LSTM) leaves.c0 = leaf("c0");
    const { output, state } = module.forward(leaves.x, { h: leaves.h0, c: leaves.c0 });
    const results: Record<string, Tensor> = { output, hn: state.h };
    if (state.c) results.cn = state.c;
    const terms = Object.entries(results).map(([name, y]) => sum(mul(y, given(`grad_${name}`))));
    terms.reduce(add).backward();
    for (const [name, tensor] of [...Object.entries(leaves), ...module.namedParameters()]) {
      results[`grad.${name}`] = tensor.gradient;
    }
    return new Map(Object.entries(results).map(([name, y]) => [name, y.toArray() as Float32Array]));
  });
}
