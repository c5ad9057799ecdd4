import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../../src/formats/safetensors.ts";
import {
  CharacterTokenizer,
  createEngine,
  type Engine,
  FormatError,
  LanguageModel,
  type LanguageModelConfig,
  Linear,
  loadLanguageModel,
  saveLanguageModel,
} from "../../src/index.ts";
import { expectSameBits } from "../helpers/close.ts";
import { random, randomIds } from "../helpers/random.ts";

const tokenizer = CharacterTokenizer.train("a b c é 𝄞");
const { vocabSize } = tokenizer;

let engine: Engine;
/** A file to break: small, so that breaking it everywhere is quick. */
let file: Uint8Array<ArrayBuffer>;
let idle: number;

beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", seed: 9 });
  const config = {
    cell: "gru",
    vocabSize,
    embeddingSize: 3,
    hiddenSize: 4,
    numLayers: 2,
    dropout: 0.25,
  } as const;
  const model = new LanguageModel(engine, config, tokenizer);
  file = saveLanguageModel(model);
  model.free();
  idle = engine.memory.persistentBytes;
});
afterAll(() => engine.close());

function logits(model: LanguageModel): Float32Array {
  const { engine } = model;
  model.eval();
  return engine.infer(() => {
    const ids = engine.ids(randomIds(12, 1, model.config.vocabSize), [6, 2]);
    return model.forward(ids).logits.toArray() as Float32Array;
  });
}

/** Loading must throw a FormatError and keep nothing. @returns its message */
function refused(bytes: Uint8Array): string {
  let error: unknown;
  const state = engine.random.state;
  try {
    loadLanguageModel(engine, bytes).model.free();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FormatError);
  expect(engine.memory.persistentBytes).toBe(idle);
  expect(engine.random.state).toEqual(state);
  return (error as FormatError).message;
}

interface Parts {
  tensors: Map<string, SafeTensor>;
  metadata: Record<string, string>;
}

/** The file with something else in it. */
function forged(change: (parts: Parts) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(file);
  const parts = { tensors: new Map(tensors), metadata: { ...metadata } };
  change(parts);
  return writeSafetensors(parts.tensors, parts.metadata);
}

function forgedConfig(change: Record<string, unknown>): Uint8Array {
  return forged(({ metadata }) => {
    metadata.config = JSON.stringify({ ...JSON.parse(metadata.config), ...change });
  });
}

function floats(shape: number[]): SafeTensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return { dtype: "F32", shape, data: random(size, 3) };
}

describe("a model's file", () => {
  it.each<Partial<LanguageModelConfig>>([
    { cell: "lstm" },
    { cell: "gru", numLayers: 2, dropout: 0.5 },
    { cell: "rnn", embeddingSize: 3 },
    { cell: "lstm", tieWeights: true },
    { cell: "lstm", numLayers: 2, projSize: 3, forgetBias: 1, recurrentInit: "orthogonal" },
    { cell: "lstm", projSize: 4, embeddingSize: 4, tieWeights: true },
    { cell: "rnn", recurrentInit: "orthogonal" },
  ])("gives back the same model: %o", async (options) => {
    const model = new LanguageModel(engine, { vocabSize, hiddenSize: 6, ...options }, tokenizer);
    const other = await createEngine({ numerics: "reproducible", seed: 77 });
    const { state } = other.random;
    const { model: loaded, extras } = loadLanguageModel(other, saveLanguageModel(model));
    expect(loaded.config).toEqual(model.config);
    expect(loaded.tokenizer?.toJSON()).toEqual(tokenizer.toJSON());
    expect(loaded.parameterCount).toBe(model.parameterCount);
    expect(extras.tensors.size).toBe(0);
    expect(other.random.state).toEqual(state);
    expectSameBits(logits(loaded), logits(model), "logits");
    model.free();
    other.close();
    expect(engine.memory.persistentBytes).toBe(idle);
  });

  it("is not written without a part of the model", () => {
    class Normed extends LanguageModel {
      readonly norm = new Linear(this.engine, { inputSize: 4, outputSize: 1 });
    }
    const model = new Normed(engine, { vocabSize: 5, hiddenSize: 4 });
    expect(() => saveLanguageModel(model)).toThrow(/^norm\.weight is no parameter of a LanguageModel/);
    model.free();
  });

  it("may hold no tokenizer, and more than a model", () => {
    const model = new LanguageModel(engine, { vocabSize: 5, hiddenSize: 4 });
    const tensors = new Map([["optimizer.exp_avg.decoder.bias", floats([5])]]);
    const bytes = saveLanguageModel(model, { tensors, metadata: { training: "{}" } });
    const { model: loaded, extras } = loadLanguageModel(engine, bytes);
    expect(loaded.tokenizer).toBeUndefined();
    expect(extras.tensors).toEqual(tensors);
    expect(extras.metadata.training).toBe("{}");
    loaded.free();
    model.free();
    expect(engine.memory.persistentBytes).toBe(idle);
  });

  it("is refused with weights that the model does not have", () => {
    const model = new LanguageModel(engine, { vocabSize: 5, hiddenSize: 4 });
    const tensors = new Map([["rnn.weight_hr_l0", floats([2, 4])]]);
    const bytes = saveLanguageModel(model, { tensors, metadata: {} });
    model.free();
    expect(() => loadLanguageModel(engine, bytes)).toThrow(FormatError);
    expect(() => loadLanguageModel(engine, bytes)).toThrow("rnn.weight_hr_l0 is left over");
    expect(engine.memory.persistentBytes).toBe(idle);
  });

  it("loads from bytes at any alignment", () => {
    const moved = new Uint8Array(file.length + 3);
    moved.set(file, 3);
    loadLanguageModel(engine, moved.subarray(3)).model.free();
  });
});

describe("a file that is cut or changed", () => {
  it("is refused wherever it is cut", () => {
    for (let length = 0; length < file.length; length += length < 64 ? 1 : 7)
      refused(file.subarray(0, length));
    refused(file.subarray(0, file.length - 1));
    const longer = new Uint8Array(file.length + 1);
    longer.set(file);
    refused(longer);
  });

  it("is refused or loads, whatever bits are flipped", () => {
    const headerLength = Number(new DataView(file.buffer).getBigUint64(0, true));
    const places = randomIds(1500, 5, 8 + headerLength);
    const bits = randomIds(1500, 6, 8);
    let loaded = 0;
    for (const [i, place] of places.entries()) {
      const bytes = file.slice();
      bytes[place] ^= 1 << bits[i];
      try {
        loadLanguageModel(engine, bytes).model.free();
        loaded++;
      } catch (error) {
        expect(error, `bit ${bits[i]} of byte ${place}`).toBeInstanceOf(FormatError);
      }
      expect(engine.memory.persistentBytes, `bit ${bits[i]} of byte ${place}`).toBe(idle);
    }
    expect(loaded).toBeLessThan(1500);
  });

  it("is refused when it is a safetensors file of something else", () => {
    expect(refused(writeSafetensors(new Map([["weight", floats([2])]])))).toContain("no `unrolled` entry");
    const version = (value: string): Uint8Array => forged(({ metadata }) => void (metadata.unrolled = value));
    expect(refused(version("2"))).toBe("the file has version 2, expected 1");
  });
});

describe("a forged config", () => {
  it.each<[string, Record<string, unknown>]>([
    ["absurd vocabSize", { vocabSize: 2 ** 40 }],
    ["absurd hiddenSize", { hiddenSize: 2 ** 24 }],
    ["absurd embeddingSize", { embeddingSize: 1e300 }],
    ["absurd numLayers", { numLayers: 2 ** 31 }],
    ["no layers", { numLayers: 0 }],
    ["negative size", { hiddenSize: -4 }],
    ["broken size", { hiddenSize: 4.5 }],
    ["size as a string", { vocabSize: String(vocabSize) }],
    ["size as a string", { hiddenSize: "4" }],
    ["size as an array", { vocabSize: [vocabSize] }],
    ["size as null", { embeddingSize: null }],
    ["no size", { vocabSize: undefined }],
    ["no hiddenSize", { hiddenSize: undefined }],
    ["unknown cell", { cell: "transformer" }],
    ["a cell that objects have anyway", { cell: "toString" }],
    ["cell as a number", { cell: 3 }],
    ["the weights of another cell", { cell: "lstm" }],
    ["the weights of another cell", { cell: "rnn" }],
    ["dropout of 1", { dropout: 1 }],
    ["dropout as an object", { dropout: {} }],
    ["tied weights that do not fit", { tieWeights: true }],
    ["a projection that the cell does not have", { projSize: 4, hiddenSize: 5 }],
    ["a projection that is none", { projSize: null }],
    ["a forget bias that the cell does not have", { forgetBias: 1 }],
    ["an unknown initialisation", { recurrentInit: "zero" }],
    ["an initialisation as a list", { recurrentInit: ["orthogonal"] }],
  ])("is refused: %s", (_, change) => {
    refused(forgedConfig(change));
  });

  it.each(["", "null", "1", '"gru"', "[]", "{}", "{", "[1,2]"])("is refused: %j", (config) => {
    refused(forged(({ metadata }) => void (metadata.config = config)));
    refused(forged(({ metadata }) => void (metadata.tokenizer = config || "x")));
  });

  it("is refused with what may be nested too deeply to be shown", () => {
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    for (const name of ["cell", "vocabSize", "numLayers", "dropout"]) {
      const config = `{"cell":"lstm","vocabSize":4,"hiddenSize":4,"${name}":${deep}}`;
      expect(refused(forged(({ metadata }) => void (metadata.config = config)))).toMatch(
        new RegExp(`^config: ${name}: expected no object, got (something nested too deeply|\\[{80}…)`),
      );
    }
    for (const name of ["kind", "model"]) {
      const tokenizer = `{"${name}":${deep}}`;
      refused(forged(({ metadata }) => void (metadata.tokenizer = tokenizer)));
    }
  });

  it("is refused without one", () => {
    const message = refused(forged(({ metadata }) => void delete metadata.config));
    expect(message).toBe("metadata: config: expected a JSON object, got nothing");
  });

  it("is refused with the tokenizer of another vocabulary", () => {
    const other = JSON.stringify(CharacterTokenizer.train("abcdefghij").toJSON());
    expect(refused(forged(({ metadata }) => void (metadata.tokenizer = other)))).toContain("vocabSize");
  });

  /** Shapes that agree with the config where few bytes can say so, and ask for gigabytes elsewhere. */
  it.each<[string, Record<string, unknown>, Record<string, number[]>]>([
    [
      "a huge hidden size in a tensor without rows",
      { hiddenSize: 2 ** 24, numLayers: 1, embeddingSize: 3 },
      { "rnn.weight_hh_l0": [0, 2 ** 24], "rnn.weight_hh_l1": [] },
    ],
    [
      "a hidden size of 60,000 in one row",
      { hiddenSize: 60_000, numLayers: 1, embeddingSize: 3 },
      { "rnn.weight_hh_l0": [1, 60_000], "rnn.weight_hh_l1": [] },
    ],
    ["a hidden size of 0", { hiddenSize: 0 }, { "rnn.weight_hh_l0": [0, 0] }],
    ["an embedding of no columns", { embeddingSize: 0 }, { "embedding.weight": [vocabSize, 0] }],
  ])("is refused before it takes memory: %s", (_, config, shapes) => {
    const bytes = engine.memory.bytes;
    const file = forged(({ tensors, metadata }) => {
      metadata.config = JSON.stringify({ ...JSON.parse(metadata.config), ...config });
      for (const [name, shape] of Object.entries(shapes)) {
        if (shape.length > 0) tensors.set(name, floats(shape));
        else tensors.delete(name);
      }
    });
    refused(file);
    expect(engine.memory.bytes).toBe(bytes);
  });
});

describe("weights", () => {
  it("are refused where one is missing, and the message names it", () => {
    for (const name of readSafetensors(file).tensors.keys()) {
      const message = refused(forged(({ tensors }) => void tensors.delete(name)));
      // Without these, the config's sizes cannot be believed.
      if (!/embedding|weight_hh/.test(name)) expect(message).toContain(`${name} is missing`);
    }
  });

  it("are refused where a shape is another, even with as many elements", () => {
    for (const [name, { shape }] of readSafetensors(file).tensors) {
      refused(forged(({ tensors }) => void tensors.set(name, floats([...shape, 1]))));
      refused(forged(({ tensors }) => void tensors.set(name, floats([...shape].reverse().concat(2)))));
      refused(forged(({ tensors }) => void tensors.set(name, floats([1]))));
    }
  });

  it("are refused where they are integers", () => {
    for (const [name, { shape, data }] of readSafetensors(file).tensors) {
      const integers: SafeTensor = { dtype: "I32", shape, data: new Int32Array(data.length) };
      refused(forged(({ tensors }) => void tensors.set(name, integers)));
    }
  });
});
