import { FormatError } from "../errors.ts";
import { isObject, show } from "../formats/json-values.ts";
import { readSafetensors, type SafeTensor } from "../formats/safetensors.ts";
import { tokenizerFromJSON } from "../text/read-tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { LanguageModelConfig } from "./config.ts";

/*
 * A model is one safetensors file: the weights under their names, and in the metadata, as JSON, `unrolled` (the
 * file's version), `config` and `tokenizer`. A checkpoint is a model file with more tensors and metadata.
 */
export const VERSION = "1";
/** Whether a name is one of the model's own: a checkpoint's other tensors have other names. */
export function isWeight(name: string): boolean {
  return /^(embedding|rnn|decoder)\./.test(name);
}

/** What a checkpoint adds: the optimizer's and the run's tensors, and its numbers as JSON. */
export interface Extras {
  tensors: ReadonlyMap<string, SafeTensor>;
  metadata: Readonly<Record<string, string>>;
}

export interface ModelFile {
  /** As it stands in the file, but of sizes that its weights have. */
  config: LanguageModelConfig;
  tokenizer: Tokenizer | undefined;
  weights: ReadonlyMap<string, SafeTensor>;
  /** What else is in the file. */
  extras: Extras;
}

/**
 * Reads a model's file, trusting nothing in it. What is left to its maker is the tokenizer's pattern, an expression that
 * may take very long on some texts.
 * @throws FormatError saying what is wrong with the file.
 */
export function readModelFile(bytes: Uint8Array): ModelFile {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.unrolled === undefined) {
    throw new FormatError(
      "the file has no `unrolled` entry in its metadata: it is not a model of this library",
    );
  }
  if (metadata.unrolled !== VERSION) {
    throw new FormatError(`the file has version ${metadata.unrolled}, expected ${VERSION}`);
  }
  const tokenizer = metadata.tokenizer
    ? tokenizerFromJSON(parse("tokenizer", metadata.tokenizer))
    : undefined;
  const config = parse("config", metadata.config) as LanguageModelConfig;
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === "object")
      throw new FormatError(`config: ${name}: expected no object, got ${show(value)}`);
  }
  checkSizes(config, tensors);
  const [weights, rest] = [new Map<string, SafeTensor>(), new Map<string, SafeTensor>()];
  for (const [name, tensor] of tensors) (isWeight(name) ? weights : rest).set(name, tensor);
  return { config, tokenizer, weights, extras: { tensors: rest, metadata } };
}

function parse(key: string, json: string | undefined): object {
  try {
    const value: unknown = JSON.parse(json ?? "");
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new FormatError(`metadata: ${key}: expected a JSON object, got ${show(json)}`);
}

/** The file's own weights bound what its config may ask for, so that a forged config cannot take all memory. */
function checkSizes(config: LanguageModelConfig, tensors: ReadonlyMap<string, SafeTensor>): void {
  const shape = tensors.get("embedding.weight")?.shape;
  const layers = [...tensors.keys()].filter((name) => name.startsWith("rnn.weight_hh_l")).length;
  const state = tensors.get("rnn.weight_hh_l0")?.shape[1];
  const { vocabSize, hiddenSize, embeddingSize = hiddenSize, numLayers = 1, tieWeights } = config;
  const { projSize: stateSize = hiddenSize } = config;
  if (shape?.join() !== `${vocabSize},${embeddingSize}` || state !== stateSize || layers !== numLayers) {
    throw new FormatError(
      `config: it describes an embedding [${vocabSize}, ${embeddingSize}] and ${numLayers} layers with states of ` +
        `${stateSize} numbers; the weights are an embedding [${shape ?? "none"}] and ${layers} layers with states ` +
        `of ${state ?? "no"} numbers`,
    );
  }
  // A shape may hold little and say much: [0, 16777216]. With one gate, the weights would be:
  const least =
    vocabSize * (tieWeights ? embeddingSize : embeddingSize + stateSize) +
    hiddenSize * (embeddingSize + stateSize * (2 * numLayers - 1));
  let present = 0;
  for (const { data } of tensors.values()) present += data.length;
  if (!(least <= present)) {
    throw new FormatError(
      `config: it describes a model of at least ${least} weights; the file has ${present}`,
    );
  }
}
