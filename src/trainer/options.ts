import type { EngineOptions } from "../engine/engine.ts";
import type { SampleOptions } from "../generate/sample.ts";
import type { LanguageModelConfig } from "../models/language-model.ts";
import type { TokenizerKind } from "../text/train-tokenizer.ts";
import type { StepReport, TrainOptions, ValidationReport } from "../train/train.ts";

/** What {@link createTrainer} trains and how: plain data, since it goes to another thread and into a checkpoint. */
export interface TrainerOptions {
  /** The text. Its last part is held out; tokens are learnt from the rest alone. */
  text: string;
  /** A kind of tokenizer to learn from the text, or the JSON of one. Default "char". */
  tokenizer?: TokenizerKind | object;
  /** Tokens to learn; for "word" the most. Default 4096; "char" has as many as there are characters. */
  vocabSize?: number;
  /** Default: an LSTM of 128 units on embeddings of 64 numbers. */
  model?: Omit<LanguageModelConfig, "vocabSize">;
  /** Sequences trained side by side. Default 32. */
  batchSize?: number;
  /** Steps that gradients flow back through. Default 64. */
  sequenceLength?: number;
  /** The share of the text, at its end, that is held out: from 0 to below 1. Default 0.1. */
  validationFraction?: number;
  /** As for {@link train}. */
  training?: Omit<TrainOptions, "signal">;
  /** As for {@link createEngine}. */
  engine?: EngineOptions;
  /** Samples to write after every evaluation. Default: none. */
  samples?: SampleSettings;
  /**
   * A name under which the run is kept in the browser's own storage (IndexedDB), so that it survives a reload:
   * `createTrainer({ checkpoint: name })` goes on with it. No run may be kept under it yet: {@link deleteStoredRun}
   * removes one. Default: it is not kept.
   */
  checkpoint?: string;
  /** Seconds between two checkpoints while it trains, 0 or more. Default 20. */
  checkpointEvery?: number;
}

/** Goes on with a run that was kept under the name. */
export interface StoredRun {
  checkpoint: string;
}

/** A model from a file: to generate from and to look into, or, with a text, to train on from its weights. */
export interface ModelSource extends Partial<Omit<TrainerOptions, "tokenizer" | "vocabSize" | "model">> {
  /** What {@link saveLanguageModel} or the command line wrote. */
  file: Uint8Array | Blob;
}

export interface SampleSettings extends SampleOptions {
  /** Tokens. 0: no samples. */
  length: number;
  /** What to go on from: at least one token. Default: the first tokens of the held-out part. */
  prompt?: string;
  /** Default 0. */
  seed?: number;
}

export interface SampleReport {
  kind: "sample";
  step: number;
  prompt: string;
  text: string;
  temperature: number;
}

export type TrainerReport = StepReport | ValidationReport | SampleReport;

/** Where a run stands. "ready": it can start, or a checkpoint can go on; "failed": its loss was not finite, say. */
export type TrainerState = "ready" | "training" | "paused" | "finished" | "failed";

/** The reports so far, as columns: what curves are drawn from after a reload. */
export interface History {
  /** Element i belongs to step i + 1. */
  loss: Float32Array;
  gradientNorm: Float32Array;
  learningRate: Float32Array;
  validation: { step: number; loss: number; bitsPerToken: number }[];
  samples: SampleReport[];
}

export interface TrainerInfo {
  /** The model's, with all defaults. */
  config: Readonly<LanguageModelConfig>;
  parameterCount: number;
  /** What `tokenizerFromJSON` reads; undefined for a model without one. */
  tokenizer: object | undefined;
  /** Which kernels run: "simd" or "relaxed". */
  build: string;
  /** The most threads that compute. */
  threads: number;
  /** Why there is only one thread, where there are more cores: a sentence to show. */
  notice?: string;
  /** "ready" or "finished". */
  state: TrainerState;
  /** Steps done, and in all; 0 without a text. */
  step: number;
  steps: number;
  stepsPerEpoch: number;
  /** How many tokens are trained on, and how many predictions an evaluation makes. */
  trainingTokens: number;
  validationTokens: number;
  /** UTF-8 bytes of the text that is trained on, by token. */
  bytesPerToken: number;
  /** The same of the held-out part; 0 where there is none. */
  validationBytesPerToken: number;
  history: History;
  /** Without its text and file. */
  options: Omit<TrainerOptions, "text">;
}
