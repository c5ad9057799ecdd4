/** Unrolled's small half: runs language models that were trained elsewhere, and trains none. */
import type { InferenceModel } from "./model.ts";
import { continueText, type GeneratedToken, type GenerateOptions, type TextReader } from "./text.ts";

export * from "../errors.ts";
export type { CompleteConfig, LanguageModelConfig } from "../models/config.ts";
export { type FetchOptions, fetchModelFile } from "../models/fetch-model-file.ts";
export type { DecodeOptions, EncodeOptions, StreamingDecoder, Tokenizer } from "../text/tokenizer.ts";
export { type InferenceModel, loadModel } from "./model.ts";
export { type NextToken, Reader } from "./reader.ts";
export type { SampleOptions } from "./sample.ts";
export type { GeneratedToken, GenerateOptions } from "./text.ts";
export type { InferenceState } from "./token-pass.ts";

/**
 * Continues a prompt (text, where the model has a tokenizer, or ids), token by token:
 * `for await (const token of generate(model, "Call me", { length: 100 })) …`.
 * The same seed gives the same tokens in every runtime.
 * @throws ConfigError on an option out of range, an empty prompt, or text without a tokenizer.
 */
export function generate(
  model: InferenceModel,
  prompt: string | ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  return continueText(() => openText(model), model.tokenizer, prompt, options);
}

function openText(model: InferenceModel): TextReader {
  const pass = model.open();
  return {
    runner: model.runner,
    read(ids, temperature) {
      for (const id of ids) pass.read(id);
      return temperature === undefined ? undefined : pass.probabilities(temperature);
    },
    close: () => pass.close(),
  };
}
