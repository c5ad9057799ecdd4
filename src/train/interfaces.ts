import type { Engine } from "../engine/engine.ts";
import type { Parameter, Tensor } from "../tensor/tensor.ts";

/** What the training loop reads of a batch itself. The rest is between the model and its data. */
export interface Batch {
  /** Whether it goes on where the batch before it ended. If not, what the model carries over is dropped. */
  readonly continues: boolean;
}

/**
 * What a model must be for {@link train}: a Module (which has everything but `loss`) with a loss. Built-in models
 * are; test/train/custom-model.test.ts shows one of a user's own.
 */
export interface Trainable<B extends Batch> {
  readonly engine: Engine;
  /**
   * The mean loss of a batch, in nats for a language model. Called inside engine.step or engine.infer.
   * @param carried what the call for the batch before returned as `carried`; empty at a start. Constants: no
   *   gradient flows into them (truncated backpropagation through time).
   * @returns the loss [1]; how many predictions it is the mean of; and what to carry to the next batch.
   */
  loss(batch: B, carried: readonly Tensor[]): { loss: Tensor; count: number; carried?: readonly Tensor[] };
  namedParameters(): Iterable<[string, Parameter]>;
  namedModules(): Iterable<[string, { training: boolean }]>;
  train(training?: boolean): unknown;
}

/** Where the batches come from: {@link Corpus} for language models. */
export interface DataSource<B extends Batch> {
  /** Batches in one pass over the training data. */
  readonly stepsPerEpoch: number;
  /** The batch of a step, a function of the step's number alone: what makes resuming exact. */
  trainBatch(step: number): B;
  /** One pass over the held-out data. */
  validationBatches(): Iterable<B>;
}
