import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import { stateDict } from "../nn/state-dict.ts";
import { buildModel } from "./build-model.ts";
import type { LanguageModel } from "./language-model.ts";
import { type Extras, isWeight, readModelFile, VERSION } from "./read-model-file.ts";

/**
 * A language model as the bytes of a safetensors file.
 * @throws ConfigError if it is of a class with parameters of its own, which `loadLanguageModel` would not know:
 *   `writeSafetensors(stateDict(model))` writes any module's.
 */
export function saveLanguageModel(model: LanguageModel, extras?: Extras): Uint8Array<ArrayBuffer> {
  const weights = stateDict(model);
  for (const name of weights.keys()) {
    if (!isWeight(name)) {
      throw new ConfigError(
        `${name} is no parameter of a LanguageModel: writeSafetensors(stateDict(model)) writes any module's`,
      );
    }
  }
  const metadata: Record<string, string> = { ...extras?.metadata };
  metadata.unrolled = VERSION;
  metadata.config = JSON.stringify(model.config);
  if (model.tokenizer) metadata.tokenizer = JSON.stringify(model.tokenizer.toJSON());
  return writeSafetensors(new Map([...weights, ...(extras?.tensors ?? [])]), metadata);
}

/**
 * Reads what {@link saveLanguageModel} wrote; `extras` is what else is in the file. The model is in evaluation mode: to
 * train it by a loop of one's own, call `model.train()` (the library's `train` does).
 * @throws FormatError saying what is wrong with the file; no memory is kept then.
 */
export function loadLanguageModel(
  engine: Engine,
  bytes: Uint8Array,
): { model: LanguageModel; extras: Extras } {
  const { config, tokenizer, weights, extras } = readModelFile(bytes);
  return { model: buildModel(engine, config, tokenizer, weights), extras };
}
