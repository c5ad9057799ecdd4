/** `unrolled/generate` against the library that trained the model. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import * as small from "../../src/generate/index.ts";
import {
  CharacterTokenizer,
  ConfigError,
  createEngine,
  type Engine,
  FormatError,
  generate,
  LanguageModel,
  type LanguageModelConfig,
  loadLanguageModel,
  saveLanguageModel,
} from "../../src/index.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { randomIds } from "../helpers/random.ts";

const tokenizer = CharacterTokenizer.train("abcdefghijklm nopqrstuvwxyz.é𝄞");
const { vocabSize } = tokenizer;
const TEXT = "a small text. and é 𝄞";

const models: Partial<LanguageModelConfig>[] = [
  { cell: "lstm" },
  { cell: "lstm", numLayers: 3, dropout: 0.5, embeddingSize: 5 },
  { cell: "lstm", projSize: 7, numLayers: 2 },
  { cell: "lstm", projSize: 9, embeddingSize: 9, tieWeights: true },
  { cell: "gru", numLayers: 2 },
  { cell: "gru", tieWeights: true },
  { cell: "rnn", numLayers: 2, embeddingSize: 31 },
];

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", seed: 3 });
});
afterAll(() => engine.close());

function createModel(options: Partial<LanguageModelConfig>): LanguageModel {
  return new LanguageModel(engine, { vocabSize, hiddenSize: 18, ...options }, tokenizer);
}

/** Probabilities after each id, by the model with tensors. */
function expectedAfter(model: LanguageModel, ids: Int32Array): Float32Array[] {
  model.eval();
  const logits = engine.infer(
    () => model.forward(engine.ids(ids, [ids.length, 1])).logits.toArray() as Float32Array,
  );
  return Array.from(ids, (_, t) => {
    const row = logits.subarray(t * vocabSize, (t + 1) * vocabSize);
    const powers = row.map((logit) => Math.exp(logit));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  });
}

async function collect<T>(tokens: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const token of tokens) all.push(token);
  return all;
}

describe.each(models)("a model %o", (options) => {
  it("has the probabilities of the model that was saved", async () => {
    const model = createModel(options);
    const loaded = await small.loadModel(saveLanguageModel(model));
    expect(loaded.config).toEqual(model.config);
    const ids = randomIds(40, 5, vocabSize);
    const reader = new small.Reader(loaded);
    for (const [t, expected] of expectedAfter(model, ids).entries()) {
      reader.read([ids[t]]);
      expectClose(reader.probabilities(), expected, 1e-5, `after ${t + 1} tokens`);
    }
    model.free();
  });

  it("writes the same text, with the same probabilities", async () => {
    const model = createModel(options);
    const loaded = await small.loadModel(saveLanguageModel(model));
    for (const temperature of [0, 0.7, 1]) {
      const settings = { length: 60, seed: 8, temperature, topK: 20 };
      // From one token on, every bit is the same; a longer prompt is multiplied in another order.
      const expected = await collect(generate(model, "a", settings));
      expect(await collect(small.generate(loaded, "a", settings))).toEqual(expected);
    }
    model.free();
  });
});

describe("a reader", () => {
  let model: small.InferenceModel;
  beforeAll(async () => {
    const trained = createModel({ numLayers: 2 });
    model = await small.loadModel(saveLanguageModel(trained));
    trained.free();
  });

  it("is at the same point however a text was divided", () => {
    const ids = randomIds(700, 6, vocabSize);
    const whole = new small.Reader(model).read(ids).probabilities();
    const parts = new small.Reader(model);
    for (const [from, to] of [
      [0, 1],
      [1, 258],
      [258, 300],
      [300, 700],
    ]) {
      parts.read(ids.subarray(from, to));
    }
    expectSameBits(parts.probabilities(), whole);
  });

  it("goes its own way after it was cloned", () => {
    const reader = new small.Reader(model).read(TEXT);
    const before = reader.probabilities();
    const other = reader.clone();
    other.read("xyz");
    expectSameBits(reader.probabilities(), before);
    expectSameBits(other.probabilities(), new small.Reader(model).read(`${TEXT}xyz`).probabilities());
  });

  it("names the likeliest tokens, with their text", () => {
    const reader = new small.Reader(model).read(TEXT);
    const probabilities = Array.from(reader.probabilities(2));
    const order = probabilities
      .map((_, id) => id)
      .sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    const expected = order.map((id) => ({
      id,
      text: tokenizer.decode([id]),
      probability: probabilities[id],
    }));
    expect(reader.next({ count: 4, temperature: 2 })).toEqual(expected.slice(0, 4));
    expect(reader.next({ count: 1000, temperature: 2 })).toEqual(expected);
    expect(reader.next()).toHaveLength(5);
    expect(reader.next({ count: 0 })).toEqual([]);
    for (const count of [-1, 1.5, Number.NaN]) {
      expect(() => reader.next({ count })).toThrow(/^count must be an integer from 0, got/);
    }
  });

  it("has probabilities before any text, which sum to 1", () => {
    const probabilities = new small.Reader(model).probabilities();
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  });

  it.each([0, -1, Number.NaN, 1e-7])("refuses the temperature %d", (temperature) => {
    expect(() => new small.Reader(model).probabilities(temperature)).toThrow(ConfigError);
  });

  it("refuses ids outside the vocabulary, and stays where it was", () => {
    const reader = new small.Reader(model).read(TEXT);
    const before = reader.probabilities();
    for (const id of [-1, vocabSize]) {
      expect(() => reader.read([1, id])).toThrow(ConfigError);
      expect(() => reader.read([1, id])).toThrow(`token ids must be from 0 to ${vocabSize - 1}, got ${id}`);
    }
    expectSameBits(reader.probabilities(), before);
  });

  it("keeps no memory from text to text", () => {
    const { memory } = model.runner;
    const reader = new small.Reader(model).read(randomIds(256, 1, vocabSize));
    const { bytes } = memory;
    for (let i = 0; i < 200; i++)
      reader
        .clone()
        .read(randomIds(256, 2, vocabSize))
        .next();
    expect(memory.bytes).toBe(bytes);
  });
});

describe("loadModel", () => {
  it("refuses text where there is no tokenizer, and takes ids", async () => {
    const model = new LanguageModel(engine, { vocabSize: 6, hiddenSize: 5 });
    const loaded = await small.loadModel(saveLanguageModel(model));
    model.free();
    expect(() => new small.Reader(loaded).read("text")).toThrow(/no tokenizer/);
    expect(new small.Reader(loaded).read([1, 2]).next({ count: 2 })).toMatchObject([
      { text: "" },
      { text: "" },
    ]);
    const tokens = await collect(small.generate(loaded, [1, 2], { length: 3 }));
    expect(tokens).toHaveLength(3);
  });

  it("says everything that is wrong with the weights", async () => {
    const model = createModel({});
    const { tensors, metadata } = readSafetensors(saveLanguageModel(model));
    model.free();
    tensors.delete("decoder.bias");
    tensors.set("decoder.extra", { dtype: "F32", shape: [1], data: Float32Array.of(1) });
    tensors.set("rnn.bias_ih_l0", { dtype: "F32", shape: [3], data: new Float32Array(3) });
    tensors.set("rnn.bias_hh_l0", { dtype: "U8", shape: [72], data: new Uint8Array(72) });
    const error = await small
      .loadModel(writeSafetensors(tensors, metadata))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toBe(
      "weights do not fit the model: rnn.bias_ih_l0 has the shape [3], expected [72]; rnn.bias_hh_l0 has the type " +
        "U8, expected F32, F16, BF16; decoder.bias is missing; decoder.extra is left over",
    );
  });

  it.each([
    [{ cell: "transformer" }, /config: cell must be one of rnn, lstm, gru/],
    [{ hiddenSize: 1e9 }, /config: it describes/],
    [{ vocabSize: 5 }, /config: it describes/],
    [{ cell: "gru", projSize: 3 }, /config: /],
    [{ tieWeights: true, embeddingSize: 18, projSize: 9 }, /config: /],
  ])("refuses a config that is not its weights': %o", async (change, message) => {
    const model = createModel({});
    const { tensors, metadata } = readSafetensors(saveLanguageModel(model));
    model.free();
    const config = JSON.stringify({ ...JSON.parse(metadata.config), ...change });
    const loading = small.loadModel(writeSafetensors(tensors, { ...metadata, config }));
    await expect(loading).rejects.toThrow(FormatError);
    await expect(loading).rejects.toThrow(message);
  });

  it.each([
    [
      "weights that are tied and differ",
      { tieWeights: true, embeddingSize: 18 },
      "decoder.weight differs from",
    ],
    ["a dropout that is no probability", { dropout: 7 }, "config: dropout must be from 0 up to"],
  ])("refuses what loadLanguageModel refuses, in its words: %s", async (_, change, message) => {
    const model = createModel({});
    const { tensors, metadata } = readSafetensors(saveLanguageModel(model));
    model.free();
    const config = JSON.stringify({ ...JSON.parse(metadata.config), ...change });
    const file = writeSafetensors(tensors, { ...metadata, config });
    const error = await small.loadModel(file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
    expect(() => loadLanguageModel(engine, file)).toThrow(error as Error);
  });

  it("takes tied weights under both names", async () => {
    const model = createModel({ tieWeights: true });
    const { tensors, metadata } = readSafetensors(saveLanguageModel(model));
    model.free();
    const once = await small.loadModel(writeSafetensors(tensors, metadata));
    tensors.set("decoder.weight", tensors.get("embedding.weight")!);
    const twice = await small.loadModel(writeSafetensors(tensors, metadata));
    expectSameBits(new small.Reader(twice).probabilities(), new small.Reader(once).probabilities());
  });

  it("refuses bytes that are no model", async () => {
    await expect(small.loadModel(new Uint8Array(20))).rejects.toThrow(FormatError);
    await expect(small.loadModel(new TextEncoder().encode("<!doctype html>"))).rejects.toThrow(FormatError);
  });
});
