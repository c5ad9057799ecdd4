import { ConfigError } from "../errors.ts";
import { checkSize } from "../nn/options.ts";
import { checkInit, checkProjection } from "../nn/recurrent-weights.ts";
import { checkProbability } from "../tensor/dropout.ts";
import type { RecurrentKind } from "../tensor/recurrent.ts";

export interface LanguageModelConfig {
  /** The recurrent layers: "rnn" (Elman, tanh), "lstm" or "gru". Default "lstm". */
  cell?: "rnn" | "lstm" | "gru";
  vocabSize: number;
  /** Default: hiddenSize. */
  embeddingSize?: number;
  hiddenSize: number;
  /** Default 1. */
  numLayers?: number;
  /** On the embeddings, between the layers and before the output. Default 0. */
  dropout?: number;
  /** Whether the output layer uses the embedding's weights (Press & Wolf 2017); needs embeddingSize = hiddenSize, or projSize. */
  tieWeights?: boolean;
  /** LSTM: projects the state, which the output layer reads, to this size. Default: no projection. */
  projSize?: number;
  /** LSTM: what the forget gate's bias starts at. Default: random, as in PyTorch. */
  forgetBias?: number;
  /** How W_hh starts: "uniform" (default) or "orthogonal". */
  recurrentInit?: "uniform" | "orthogonal";
}

/** A config with its defaults; what has none is left out. Layers are those of {@link KINDS}. */
export type CompleteConfig = LanguageModelConfig &
  Required<Omit<LanguageModelConfig, "projSize" | "forgetBias" | "recurrentInit">>;

export const KINDS = { rnn: "rnn-tanh", lstm: "lstm", gru: "gru-after" } as const satisfies Record<
  string,
  RecurrentKind
>;

/**
 * The config with its defaults, and P, the size of a layer's state.
 * @param tokens what the tokenizer's vocabulary has, if there is a tokenizer.
 * @throws ConfigError on a size or probability out of range, an unknown cell, or an option that the cell does not have.
 */
export function completeConfig(
  config: LanguageModelConfig,
  tokens?: number,
): { config: CompleteConfig; stateSize: number } {
  const { cell = "lstm", vocabSize, hiddenSize, embeddingSize = hiddenSize, numLayers = 1 } = config;
  const { dropout = 0, tieWeights = false, projSize, forgetBias, recurrentInit } = config;
  if (!Object.hasOwn(KINDS, cell)) {
    throw new ConfigError(
      `cell must be one of ${Object.keys(KINDS).join(", ")}, got ${JSON.stringify(cell)}`,
    );
  }
  const sizes = { vocabSize, embeddingSize, hiddenSize, numLayers };
  for (const [name, size] of Object.entries(sizes)) checkSize(name, size);
  checkProbability("dropout", dropout);
  if (projSize !== undefined) checkProjection(KINDS[cell], projSize, hiddenSize);
  checkInit(KINDS[cell], { recurrentInit, forgetBias });
  const stateSize = projSize ?? hiddenSize;
  if (tieWeights && embeddingSize !== stateSize) {
    const state = projSize === undefined ? "hiddenSize" : "projSize";
    throw new ConfigError(`tieWeights needs embeddingSize = ${state}, got ${embeddingSize} and ${stateSize}`);
  }
  if (tokens !== undefined && tokens !== vocabSize) {
    throw new ConfigError(`vocabSize is ${vocabSize}, but the tokenizer has ${tokens} tokens`);
  }
  return {
    config: {
      ...{ cell, ...sizes, dropout, tieWeights },
      ...(projSize !== undefined && { projSize }),
      ...(forgetBias !== undefined && { forgetBias }),
      ...(recurrentInit !== undefined && { recurrentInit }),
    },
    stateSize,
  };
}
