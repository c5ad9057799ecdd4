import type { Engine } from "../engine/engine.ts";
import { Dropout, Embedding, Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { GRU, LSTM, type RecurrentState, RNN } from "../nn/recurrent.ts";
import { crossEntropy } from "../tensor/softmax.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { LanguageBatch } from "../text/corpus.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type CompleteConfig, completeConfig, type LanguageModelConfig } from "./config.ts";

export type { LanguageModelConfig } from "./config.ts";

export const CELLS = { rnn: RNN, lstm: LSTM, gru: GRU } as const;

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
   *   memory is taken for it; EngineError if it does not fit into the memory, none of which is then taken.
   */
  constructor(
    engine: Engine,
    config: LanguageModelConfig,
    tokenizer?: Tokenizer,
    { willLoad = false }: { willLoad?: boolean } = {},
  ) {
    super();
    const complete = completeConfig(config, tokenizer?.vocabSize);
    const { cell, vocabSize, embeddingSize, hiddenSize, numLayers, dropout, tieWeights } = complete.config;
    const { projSize, forgetBias, recurrentInit } = complete.config;
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.config = complete.config;
    this.dropout = new Dropout(dropout);
    const layers = { inputSize: embeddingSize, hiddenSize, numLayers, dropout, projSize, forgetBias };
    const parts = engine.allocateAll(() => {
      const embedding = new Embedding(engine, { vocabSize, embeddingSize });
      const rnn = new CELLS[cell](engine, { ...layers, recurrentInit: willLoad ? undefined : recurrentInit });
      const weight = tieWeights ? embedding.weight : undefined;
      const decoder = new Linear(engine, { inputSize: complete.stateSize, outputSize: vocabSize, weight });
      return { embedding, rnn, decoder };
    });
    this.embedding = parts.embedding;
    this.rnn = parts.rnn;
    this.decoder = parts.decoder;
  }

  /** ids [T, B] → logits [T, B, vocabSize] and the state after them. */
  forward(ids: Tensor, state?: RecurrentState): { logits: Tensor; state: RecurrentState } {
    const drops = this.dropout.training && this.dropout.p > 0;
    const input = drops ? this.dropout.forward(this.embedding.forward(ids)) : this.embedding.lookup(ids);
    const { output, state: next } = this.rnn.forward(input, state);
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
