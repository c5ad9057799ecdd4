import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SafeTensor } from "../../src/formats/safetensors.ts";
import { toFloat32 } from "../../src/formats/safetensors.ts";
import {
  CharacterTokenizer,
  createEngine,
  type Engine,
  FormatError,
  fromPyTorch,
  LanguageModel,
  type LanguageModelConfig,
  toPyTorch,
} from "../../src/index.ts";
import { expectSameBits } from "../helpers/close.ts";
import { randomIds } from "../helpers/random.ts";

const tokenizer = CharacterTokenizer.train("abcdef");
const { vocabSize } = tokenizer;

let engine: Engine;
let idle: number;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", seed: 3 });
  idle = engine.memory.persistentBytes;
});
afterAll(() => engine.close());

function logits(model: LanguageModel): Float32Array {
  model.eval();
  return engine.infer(() => {
    const ids = engine.ids(randomIds(10, 1, model.config.vocabSize), [5, 2]);
    return model.forward(ids).logits.toArray() as Float32Array;
  });
}

/** A state dict of a small LSTM of two layers, changed. */
function stateDict(change: (tensors: Map<string, SafeTensor>) => void = () => {}): Map<string, SafeTensor> {
  const model = new LanguageModel(engine, { vocabSize, hiddenSize: 4, embeddingSize: 3, numLayers: 2 });
  const tensors = toPyTorch(model);
  model.free();
  change(tensors);
  return tensors;
}

/** Importing must throw a FormatError and keep nothing. @returns its message */
function refused(tensors: ReadonlyMap<string, SafeTensor>, names = {}): string {
  let error: unknown;
  const state = engine.random.state;
  try {
    fromPyTorch(engine, tensors, tokenizer, names).model.free();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FormatError);
  expect(engine.memory.persistentBytes).toBe(idle);
  expect(engine.random.state).toEqual(state);
  return (error as FormatError).message;
}

describe("to PyTorch and back", () => {
  it.each<Partial<LanguageModelConfig>>([
    { cell: "rnn" },
    { cell: "gru", numLayers: 3 },
    { cell: "lstm", embeddingSize: 3 },
    { cell: "lstm", tieWeights: true },
    { cell: "lstm", numLayers: 2, projSize: 4 },
    { cell: "lstm", projSize: 5, embeddingSize: 5, tieWeights: true },
  ])("gives the same model: %o", (options) => {
    const model = new LanguageModel(engine, { vocabSize, hiddenSize: 6, ...options });
    const { model: back, filled } = fromPyTorch(engine, toPyTorch(model), tokenizer);
    expect(back.config).toEqual(model.config);
    expect(back.tokenizer).toBe(tokenizer);
    expect(filled).toEqual([]);
    expectSameBits(logits(back), logits(model), "logits");
    back.free();
    model.free();
  });

  it("writes shared weights under both names, and reads them under either", () => {
    const model = new LanguageModel(engine, { vocabSize, hiddenSize: 4, tieWeights: true });
    const tensors = toPyTorch(model);
    expect(tensors.get("decoder.weight")).toEqual(tensors.get("embedding.weight"));
    for (const name of ["embedding.weight", "decoder.weight"]) {
      const one = new Map(tensors);
      one.delete(name);
      const { model: back } = fromPyTorch(engine, one);
      expect(back.config.tieWeights).toBe(true);
      expectSameBits(logits(back), logits(model), "logits");
      back.free();
    }
    model.free();
  });

  it.each(["F16", "BF16"] as const)("rounds to %s, and refuses what is beyond it", (dtype) => {
    const model = new LanguageModel(engine, { vocabSize, hiddenSize: 4 });
    const full = toPyTorch(model);
    const halves = toPyTorch(model, dtype);
    expect([...halves.keys()]).toEqual([...full.keys()]);
    for (const [name, tensor] of halves) {
      expect(tensor).toMatchObject({ dtype, shape: full.get(name)!.shape });
      const exact = full.get(name)!.data;
      const error = toFloat32(tensor).map((value, i) => Math.abs(value - exact[i]) / Math.abs(exact[i]));
      expect(Math.max(...error)).toBeLessThanOrEqual(dtype === "F16" ? 2 ** -11 : 2 ** -8);
      expect(Math.max(...error)).toBeGreaterThan(0);
    }
    model.decoder.bias!.set(new Float32Array(vocabSize).fill(3.4028234e38));
    expect(() => toPyTorch(model, dtype)).toThrow(
      /decoder\.bias: the number 3\.40\d+e\+38 is beyond what B?F16/,
    );
    model.free();
  });
});

describe("from PyTorch", () => {
  it("takes parts under other names", () => {
    const theirs = new Map(
      [...stateDict()].map(([name, tensor]): [string, SafeTensor] => [
        name.replace("embedding.", "net.emb.").replace("rnn.", "lstm.").replace("decoder.", "fc."),
        tensor,
      ]),
    );
    const names = { embedding: "net.emb", rnn: "lstm", decoder: "fc" };
    const { model } = fromPyTorch(engine, theirs, tokenizer, names);
    expect(model.config).toMatchObject({ cell: "lstm", embeddingSize: 3, hiddenSize: 4, numLayers: 2 });
    model.free();
    expect(refused(theirs)).toMatch(
      /^no rnn\.weight_hh_l0, no decoder\.weight among net\.emb\.weight, lstm\.weight_ih_l0, .*their names are needed$/,
    );
  });

  it("takes a module without biases, and says what became zeros", () => {
    const without = stateDict((tensors) => {
      for (const name of [...tensors.keys()]) if (name.includes("bias")) tensors.delete(name);
    });
    const { model, filled } = fromPyTorch(engine, without, tokenizer);
    expect(model.training).toBe(false);
    expect(filled).toEqual([
      "rnn.bias_ih_l0",
      "rnn.bias_hh_l0",
      "rnn.bias_ih_l1",
      "rnn.bias_hh_l1",
      "decoder.bias",
    ]);
    for (const [name, parameter] of model.namedParameters()) {
      if (name.includes("bias")) expect(parameter.toArray().every((x) => x === 0)).toBe(true);
    }
    model.free();
  });

  it("names all that does not fit", () => {
    const tensors = stateDict((tensors) => {
      tensors.delete("rnn.bias_hh_l1");
      tensors.set("rnn.weight_ih_l1", { dtype: "F32", shape: [16, 3], data: new Float32Array(48) });
      tensors.set("decoder.bias", { dtype: "I32", shape: [vocabSize], data: new Int32Array(vocabSize) });
      tensors.set("norm.weight", { dtype: "F32", shape: [1], data: new Float32Array(1) });
    });
    const message = refused(tensors);
    expect(message).toContain("rnn.bias_hh_l1 is missing");
    expect(message).toContain("rnn.weight_ih_l1 has the shape [16,3], expected [16,4]");
    expect(message).toContain("decoder.bias has the type I32, expected F32, F16, BF16");
    expect(message).toContain("norm.weight is left over");
  });

  it.each<[string, RegExp, (tensors: Map<string, SafeTensor>) => void]>([
    [
      "a number of rows that no cell has",
      /^rnn\.weight_hh_l0 has 8 rows for 4 units, expected 1 \(rnn\), 3 \(gru\) or 4 \(lstm\)/,
      (tensors) =>
        tensors.set("rnn.weight_hh_l0", { dtype: "F32", shape: [8, 4], data: new Float32Array(32) }),
    ],
    [
      "a vector for a matrix",
      /^rnn\.weight_hh_l0 has the shape \[8\], expected a matrix/,
      (tensors) => tensors.set("rnn.weight_hh_l0", { dtype: "F32", shape: [8], data: new Float32Array(8) }),
    ],
    [
      "no units",
      /^rnn\.weight_hh_l0 has the shape \[0,0\], expected a matrix/,
      (tensors) => tensors.set("rnn.weight_hh_l0", { dtype: "F32", shape: [0, 0], data: new Float32Array() }),
    ],
    [
      "layers in both directions",
      /both directions/,
      (tensors) => tensors.set("rnn.weight_ih_l0_reverse", tensors.get("rnn.weight_ih_l0")!),
    ],
    [
      "another vocabulary",
      /^the embedding has 6 vectors, but the tokenizer has 7 tokens$/,
      (tensors) =>
        tensors.set("embedding.weight", { dtype: "F32", shape: [6, 3], data: new Float32Array(18) }),
    ],
    [
      "a projection to the same size",
      /^config: projSize must be below hiddenSize/,
      (tensors) =>
        tensors.set("rnn.weight_hr_l0", { dtype: "F32", shape: [4, 4], data: new Float32Array(16) }),
    ],
    [
      "no decoder where it cannot share the embedding's weights",
      /^no decoder\.weight among embedding\.weight, .*their names are needed$/,
      (tensors) => tensors.delete("decoder.weight"),
    ],
    [
      "no embedding where it cannot share the decoder's weights",
      /^no embedding\.weight among rnn\.weight_ih_l0, .*their names are needed$/,
      (tensors) => tensors.delete("embedding.weight"),
    ],
  ])("refuses %s", (_, message, change) => {
    expect(refused(stateDict(change))).toMatch(message);
  });

  it("refuses two tensors that would have one name", () => {
    const tensors = stateDict((tensors) =>
      tensors.set("lstm.weight_hh_l0", tensors.get("rnn.weight_hh_l0")!),
    );
    expect(refused(tensors, { rnn: "lstm" })).toContain("two tensors would be rnn.weight_hh_l0");
  });
});
