import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { FormatError } from "../../src/errors.ts";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../../src/formats/safetensors.ts";
import { LanguageModel } from "../../src/models/language-model.ts";
import {
  Embedding,
  GRU,
  GRUCell,
  LayerNorm,
  Linear,
  LSTM,
  LSTMCell,
  type Module,
  RNN,
  RNNCell,
} from "../../src/nn/index.ts";
import { loadStateDict, stateDict } from "../../src/nn/state-dict.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", seed: 5 });
});
afterAll(() => engine.close());

const sizes = { inputSize: 3, hiddenSize: 4 };
const stacked = { ...sizes, numLayers: 2, bidirectional: true };
const MODULES: Record<string, () => Module> = {
  Embedding: () => new Embedding(engine, { vocabSize: 5, embeddingSize: 3 }),
  Linear: () => new Linear(engine, { inputSize: 3, outputSize: 4 }),
  LayerNorm: () => new LayerNorm(engine, { size: 3 }),
  RNN: () => new RNN(engine, stacked),
  LSTM: () => new LSTM(engine, { ...stacked, projSize: 2 }),
  GRU: () => new GRU(engine, { ...stacked, bias: false }),
  RNNCell: () => new RNNCell(engine, sizes),
  LSTMCell: () => new LSTMCell(engine, sizes),
  GRUCell: () => new GRUCell(engine, sizes),
  LanguageModel: () => new LanguageModel(engine, { vocabSize: 5, hiddenSize: 4, tieWeights: true }),
};

it.each(Object.entries(MODULES))("%s comes back from a file bit for bit", (_name, make) => {
  const [module, other] = [make(), make()];
  for (const parameter of module.parameters()) {
    parameter.set(Float32Array.from({ length: parameter.size }, (_, i) => i / 7 - 1));
  }
  const saved = stateDict(module);
  loadStateDict(other, readSafetensors(writeSafetensors(saved)).tensors);
  expect(stateDict(other)).toEqual(saved);
  module.free();
  other.free();
});

it.each([
  // 1.5, -2 and 2⁻²⁴ (the smallest number of F16), in 16 bits each.
  ["F16", [0x3e00, 0xc000, 0x0001], [1.5, -2, 2 ** -24]],
  ["BF16", [0x3fc0, 0xc000, 0x3380], [1.5, -2, 2 ** -24]],
] as const)("%s is widened", (dtype, bits, values) => {
  const module = new LayerNorm(engine, { size: 3, bias: false });
  const data = new Uint8Array(Uint16Array.from(bits).buffer);
  loadStateDict(module, new Map([["weight", { dtype, shape: [3], data }]]));
  expect([...module.weight.toArray()]).toEqual(values);
  module.free();
});

describe("refused, with nothing changed:", () => {
  const tensor = (shape: number[], dtype: SafeTensor["dtype"] = "F32"): SafeTensor => {
    const size = shape.reduce((product, n) => product * n, 1);
    if (dtype === "F32") return { dtype, shape, data: new Float32Array(size) };
    if (dtype === "I32") return { dtype, shape, data: new Int32Array(size) };
    const width = { F64: 8, I64: 8, F16: 2, BF16: 2, U8: 1 }[dtype];
    return { dtype, shape, data: new Uint8Array(width * size) };
  };

  it.each<[string, (tensors: Map<string, SafeTensor>) => void, string]>([
    ["missing", (tensors) => tensors.delete("bias"), "bias is missing"],
    ["left over", (tensors) => tensors.set("bias_2", tensor([4])), "bias_2 is left over"],
    [
      "misshaped",
      (tensors) => tensors.set("weight", tensor([3, 4])),
      "weight has the shape [3,4], expected [4,3]",
    ],
    ["of F64", (tensors) => tensors.set("bias", tensor([4], "F64")), "bias has the type F64, expected F32"],
    ["of I32", (tensors) => tensors.set("bias", tensor([4], "I32")), "bias has the type I32, expected F32"],
    ["of I64", (tensors) => tensors.set("bias", tensor([4], "I64")), "bias has the type I64, expected F32"],
    ["of U8", (tensors) => tensors.set("bias", tensor([4], "U8")), "bias has the type U8, expected F32"],
    [
      "without all its data",
      (tensors) => tensors.set("bias", { dtype: "F32", shape: [4], data: new Float32Array(3) }),
      "bias has 12 bytes of data, expected 16",
    ],
    [
      "of F16 with half a number",
      (tensors) => tensors.set("bias", { dtype: "F16", shape: [4], data: new Uint8Array(7) }),
      "bias has 7 bytes of data, expected 8",
    ],
    [
      "wrong in both",
      (tensors) => tensors.set("bias", tensor([1], "U8")),
      "bias has the type U8, expected F32, F16, BF16 and has the shape [1], expected [4]",
    ],
  ])("%s", (_name, spoil, message) => {
    const module = new Linear(engine, { inputSize: 3, outputSize: 4 });
    const before = stateDict(module);
    const tensors = new Map<string, SafeTensor>([
      ["weight", tensor([4, 3])],
      ["bias", tensor([4])],
    ]);
    spoil(tensors);
    expect(() => loadStateDict(module, tensors)).toThrow(FormatError);
    expect(() => loadStateDict(module, tensors)).toThrow(`weights do not fit the model: ${message}`);
    expect(stateDict(module)).toEqual(before);
    module.free();
  });

  it("names everything at once", () => {
    const module = new LSTM(engine, sizes);
    const tensors = stateDict(module);
    tensors.delete("weight_ih_l0");
    tensors.delete("bias_hh_l0");
    tensors.set("weight_hh_l0", tensor([4, 16]));
    tensors.set("bias_ih_l0", tensor([16], "I64"));
    tensors.set("weight_ih_l1", tensor([16, 4]));
    tensors.set("scale", tensor([1]));
    let message = "";
    try {
      loadStateDict(module, tensors);
    } catch (error) {
      message = (error as Error).message;
    }
    const expected = [
      "weight_ih_l0 is missing",
      "weight_hh_l0 has the shape [4,16], expected [16,4]",
      "bias_ih_l0 has the type I64, expected F32, F16, BF16",
      "bias_hh_l0 is missing",
      "weight_ih_l1 is left over",
      "scale is left over",
    ];
    expect(message).toBe(`weights do not fit the model: ${expected.join("; ")}`);
    module.free();
  });
});

describe("a shared parameter", () => {
  const make = (): LanguageModel =>
    new LanguageModel(engine, { vocabSize: 5, hiddenSize: 4, tieWeights: true });

  it("comes under each of its names, or under one", () => {
    const [source, target] = [make(), make()];
    const tensors = stateDict(source);
    const weight = tensors.get("embedding.weight")!;
    expect(tensors.has("decoder.weight")).toBe(false);
    tensors.set("decoder.weight", weight);
    loadStateDict(target, tensors);
    expect(stateDict(target)).toEqual(stateDict(source));
    target.embedding.weight.set(new Float32Array(20));
    tensors.delete("embedding.weight");
    loadStateDict(target, tensors);
    expect(stateDict(target)).toEqual(stateDict(source));
    tensors.delete("decoder.weight");
    expect(() => loadStateDict(target, tensors)).toThrow("embedding.weight is missing");
    source.free();
    target.free();
  });

  it("that differs under its names is refused", () => {
    const model = make();
    const tensors = stateDict(model);
    tensors.set("decoder.weight", { dtype: "F32", shape: [5, 4], data: new Float32Array(20) });
    expect(() => loadStateDict(model, tensors)).toThrow(
      "decoder.weight differs from embedding.weight, with which it is one parameter",
    );
    model.free();
  });
});
