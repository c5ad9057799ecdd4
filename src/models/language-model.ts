import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { Dropout, Embedding, Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { checkSize } from "../nn/options.ts";
import { GRU, LSTM, type RecurrentState, RNN } from "../nn/recurrent.ts";
import { checkInit, checkProjection } from "../nn/recurrent-weights.ts";
import { crossEntropy } from "../tensor/softmax.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { LanguageBatch } from "../text/corpus.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

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

/** A config with its defaults; what has none is left out. */
type CompleteConfig = LanguageModelConfig &
  Required<Omit<LanguageModelConfig, "projSize" | "forgetBias" | "recurrentInit">>;

export const CELLS = { rnn: RNN, lstm: LSTM, gru: GRU } as const;
const KINDS = { rnn: "rnn-tanh", lstm: "lstm", gru: "gru-after" } as const;

/**
 * Next-token prediction: Embedding → recurrent layers → Linear. Parameters: `embedding.weight`, `rnn.weight_ih_l0` …,
 * `decoder.weight`, `decoder.bias`.
 */
export class LanguageModel extends Module {
  readonly engine: Engine;
  readonly config: Readonly<CompleteConfig>;
  /** What turns text into the ids that it was trained on; stored in the model's file. */
  readonly tokenizer: Tokenizer | undefined;
  readonly embedding: Embedding;
  readonly rnn: RNN | LSTM | GRU;
  readonly decoder: Linear;
  readonly dropout: Dropout;

  /**
   * `willLoad`: all weights are overwritten next, so that costly first ones (orthogonal) need not be made.
   * @throws ConfigError on a size out of range, an unknown cell, or an option that the cell does not have, before any
   *   memory is taken for it.
   */
  constructor(
    engine: Engine,
    config: LanguageModelConfig,
    tokenizer?: Tokenizer,
    { willLoad = false }: { willLoad?: boolean } = {},
  ) {
    super();
    const { cell = "lstm", vocabSize, hiddenSize, embeddingSize = hiddenSize, numLayers = 1 } = config;
    const { dropout = 0, tieWeights = false } = config;
    if (!Object.hasOwn(CELLS, cell)) {
      throw new ConfigError(
        `cell must be one of ${Object.keys(CELLS).join(", ")}, got ${JSON.stringify(cell)}`,
      );
    }
    for (const [name, size] of Object.entries({ vocabSize, hiddenSize, embeddingSize, numLayers })) {
      checkSize(name, size);
    }
    const { projSize, forgetBias, recurrentInit } = config;
    if (projSize !== undefined) checkProjection(KINDS[cell], projSize, hiddenSize);
    checkInit(KINDS[cell], { recurrentInit, forgetBias });
    const stateSize = projSize ?? hiddenSize;
    if (tieWeights && embeddingSize !== stateSize) {
      const state = projSize === undefined ? "hiddenSize" : "projSize";
      throw new ConfigError(
        `tieWeights needs embeddingSize = ${state}, got ${embeddingSize} and ${stateSize}`,
      );
    }
    if (tokenizer && tokenizer.vocabSize !== vocabSize) {
      throw new ConfigError(`vocabSize is ${vocabSize}, but the tokenizer has ${tokenizer.vocabSize} tokens`);
    }
    this.engine = engine;
    this.tokenizer = tokenizer;
    const sizes = { vocabSize, embeddingSize, hiddenSize, numLayers };
    this.config = {
      ...{ cell, ...sizes, dropout, tieWeights },
      ...(projSize !== undefined && { projSize }),
      ...(forgetBias !== undefined && { forgetBias }),
      ...(recurrentInit !== undefined && { recurrentInit }),
    };
    this.dropout = new Dropout(dropout);
    const layers = { inputSize: embeddingSize, hiddenSize, numLayers, dropout, projSize, forgetBias };
    this.embedding = new Embedding(engine, { vocabSize, embeddingSize });
    this.rnn = new CELLS[cell](engine, { ...layers, recurrentInit: willLoad ? undefined : recurrentInit });
    const weight = tieWeights ? this.embedding.weight : undefined;
    this.decoder = new Linear(engine, { inputSize: stateSize, outputSize: vocabSize, weight });
  }

  /** ids [T, B] → logits [T, B, vocabSize] and the state after them. */
  forward(ids: Tensor, state?: RecurrentState): { logits: Tensor; state: RecurrentState } {
    const embedded = this.dropout.forward(this.embedding.forward(ids));
    const { output, state: next } = this.rnn.forward(embedded, state);
    return { logits: this.decoder.forward(this.dropout.forward(output)), state: next };
  }

  /** See {@link Trainable}: mean cross-entropy in nats per token; carries h (and c). */
  loss(
    batch: LanguageBatch,
    carried: readonly Tensor[],
  ): { loss: Tensor; count: number; carried: readonly Tensor[] } {
    const { inputs, targets, steps, batchSize } = batch;
    const [h, c] = carried;
    const { logits, state } = this.forward(this.engine.ids(inputs, [steps, batchSize]), h && { h, c });
    const loss = crossEntropy(logits, this.engine.ids(targets, [steps, batchSize]), { ignoreIndex: -1 });
    let count = 0;
    for (const target of targets) if (target !== -1) count++;
    return { loss, count, carried: state.c ? [state.h, state.c] : [state.h] };
  }
}
