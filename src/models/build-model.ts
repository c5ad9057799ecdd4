import type { Engine } from "../engine/engine.ts";
import { ConfigError, FormatError } from "../errors.ts";
import type { SafeTensor } from "../formats/safetensors.ts";
import { loadStateDict } from "../nn/state-dict.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { LanguageModel, type LanguageModelConfig } from "./language-model.ts";

/**
 * A model with a file's weights, in evaluation mode; the engine's random stream stands where it stood.
 * @throws FormatError if the config is not a model's, or the weights are not those of the config; no memory is kept
 *   then. EngineError if it does not fit into the memory.
 */
export function buildModel(
  engine: Engine,
  config: LanguageModelConfig,
  tokenizer: Tokenizer | undefined,
  weights: ReadonlyMap<string, SafeTensor>,
): LanguageModel {
  const random = engine.random.state;
  let model: LanguageModel;
  try {
    model = new LanguageModel(engine, config, tokenizer, { willLoad: true });
  } catch (error) {
    if (error instanceof ConfigError) throw new FormatError(`config: ${error.message}`, { cause: error });
    throw error;
  } finally {
    // Weights that are overwritten must not move the stream.
    engine.random.state = random;
  }
  try {
    loadStateDict(model, weights);
  } catch (error) {
    model.free();
    throw error;
  }
  return model.eval();
}
