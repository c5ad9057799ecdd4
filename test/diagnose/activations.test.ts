import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Activations,
  activations,
  ConfigError,
  createEngine,
  type Engine,
  type GateTerms,
  gateTerms,
  LanguageModel,
} from "../../src/index.ts";
import { sigmoid } from "../../src/reference/activations.ts";

const IDS = Int32Array.of(3, 1, 4, 1, 5, 9, 2, 6);
const CONFIG = { vocabSize: 11, embeddingSize: 5, hiddenSize: 7, numLayers: 2, dropout: 0.5 };

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", seed: 3 });
});
afterAll(() => engine.close());

function sigma(x: number): number {
  const out = new Float32Array(1);
  sigmoid(out, Float32Array.of(x));
  return out[0];
}

/** What the terms of a gate add up to at a step; `reset` multiplies what comes from the state. */
function sum({ input, recurrent, biasIh, biasHh }: GateTerms, t: number, reset = 1): number {
  return input[t] + biasIh + reset * (recurrent[t] + biasHh);
}

describe("activations", () => {
  it("are the model's own: next-token probabilities, and the last state", () => {
    const model = new LanguageModel(engine, { ...CONFIG, cell: "gru" });
    const seen = activations(model, IDS, { alternatives: 11 });
    expect(model.training).toBe(true);
    model.eval();
    const { h, logits } = engine.infer(() => {
      const result = model.forward(engine.ids(IDS, [IDS.length, 1]));
      return { h: result.state.h.toArray(), logits: result.logits.toArray() };
    });
    for (const [layer, { hidden, hiddenSize }] of seen.layers.entries()) {
      expect(hidden.slice(-hiddenSize)).toEqual(h.slice(layer * hiddenSize, (layer + 1) * hiddenSize));
    }
    for (const [t, list] of seen.next.entries()) {
      expect(list.reduce((total, { probability }) => total + probability, 0)).toBeCloseTo(1, 5);
      const row = Array.from(logits.slice(t * 11, (t + 1) * 11));
      expect(list[0].id).toBe(row.indexOf(Math.max(...row)));
      const following = list.find(({ id }) => id === IDS[t + 1])?.probability;
      expect(seen.probabilities[t]).toBe(following ?? Number.NaN);
    }
    model.free();
  });

  it("have the shapes that they say, and refuse no ids", () => {
    const model = new LanguageModel(engine, { ...CONFIG, cell: "lstm", projSize: 4 });
    const { layers } = activations(model, IDS);
    expect(
      layers.map(({ input, hidden, cell, gates }) => [input, hidden, cell, gates.f].map((a) => a?.length)),
    ).toEqual([
      [8 * 5, 9 * 4, 9 * 7, 8 * 7],
      [8 * 4, 9 * 4, 9 * 7, 8 * 7],
    ]);
    expect(() => activations(model, new Int32Array())).toThrow(ConfigError);
    model.free();
  });
});

describe("gateTerms", () => {
  const each = (
    cell: "rnn" | "lstm" | "gru",
    check: (
      seen: Activations,
      layer: number,
      unit: number,
      terms: Record<string, GateTerms>,
      t: number,
    ) => void,
  ) => {
    const model = new LanguageModel(engine, { ...CONFIG, cell });
    const seen = activations(model, IDS);
    for (const layer of [0, 1]) {
      for (const unit of [0, 6]) {
        const terms = gateTerms(model, seen, layer, unit);
        for (let t = 0; t < IDS.length; t++) check(seen, layer, unit, terms, t);
      }
    }
    expect(() => gateTerms(model, seen, 2, 0)).toThrow(/layer: expected one from 0 to 1, got 2/);
    expect(() => gateTerms(model, seen, 0, 7)).toThrow(/unit: expected one from 0 to 6, got 7/);
    model.free();
  };

  it("add up to an LSTM's gates", () => {
    each("lstm", ({ layers }, layer, unit, terms, t) => {
      const { gates, cell, hidden } = layers[layer];
      const [i, f, o] = ["i", "f", "o"].map((name) => {
        const value = sigma(sum(terms[name], t));
        expect(gates[name][t * 7 + unit]).toBeCloseTo(value, 5);
        return value;
      });
      const g = Math.tanh(sum(terms.g, t));
      expect(gates.g[t * 7 + unit]).toBeCloseTo(g, 5);
      const c = f * cell![t * 7 + unit] + i * g;
      expect(cell![(t + 1) * 7 + unit]).toBeCloseTo(c, 5);
      expect(hidden[(t + 1) * 7 + unit]).toBeCloseTo(o * Math.tanh(c), 5);
    });
  });

  it("add up to a GRU's gates", () => {
    each("gru", ({ layers }, layer, unit, terms, t) => {
      const { gates, hidden } = layers[layer];
      const r = sigma(sum(terms.r, t));
      const z = sigma(sum(terms.z, t));
      const n = Math.tanh(sum(terms.n, t, r));
      for (const [name, value] of Object.entries({ r, z, n })) {
        expect(gates[name][t * 7 + unit]).toBeCloseTo(value, 5);
      }
      expect(hidden[(t + 1) * 7 + unit]).toBeCloseTo((1 - z) * n + z * hidden[t * 7 + unit], 5);
    });
  });

  it("add up to an Elman network's state", () => {
    each("rnn", ({ layers }, layer, unit, terms, t) => {
      expect(layers[layer].gates).toEqual({});
      expect(layers[layer].hidden[(t + 1) * 7 + unit]).toBeCloseTo(Math.tanh(sum(terms.h, t)), 5);
    });
  });
});
