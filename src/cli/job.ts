/** Where a training run starts: anew from options, or from a checkpoint, which stores its options. */
import { createHash } from "node:crypto";
import type { Command } from "commander";
import type { Engine } from "../engine/engine.ts";
import { ConfigError, FormatError } from "../errors.ts";
import { readSafetensors, type SafeTensor } from "../formats/safetensors.ts";
import { LanguageModel } from "../models/language-model.ts";
import { loadLanguageModel } from "../models/model-file.ts";
import { splitText } from "../text/corpus.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { checkTokenizerOptions, trainTokenizer } from "../text/train-tokenizer.ts";
import type { TrainNumbers } from "../train/train.ts";
import { readFileChecked } from "./atomic-write.ts";
import { tokenizerProgress } from "./progress.ts";
import { about } from "./setup.ts";
import { isKind, loadNamedTokenizer } from "./tokenizers.ts";

/** Every option of a run; a checkpoint stores them, so that resuming needs only the checkpoint. */
export interface Options {
  /** A kind of tokenizer to train, or a file. */
  tokenizer: string;
  vocabSize?: number;
  cell: "rnn" | "lstm" | "gru";
  layers: number;
  hiddenSize: number;
  embeddingSize: number;
  dropout: number;
  tieWeights?: boolean;
  projSize?: number;
  forgetBias?: number;
  recurrentInit: "uniform" | "orthogonal";
  sequenceLength: number;
  batchSize: number;
  validation: number;
  steps?: number;
  epochs?: number;
  optimizer: "sgd" | "rmsprop" | "adam" | "adamw";
  learningRate: number;
  momentum?: number;
  weightDecay?: number;
  schedule: "constant" | "cosine" | "step" | "plateau";
  decay?: number;
  patience?: number;
  warmup: number;
  clip: number;
  seed: number;
  numerics: "fast" | "reproducible";
  /** Of this run alone: a checkpoint does not store it. */
  threads?: number;
  wide?: boolean;
  evaluateEvery?: number;
  sampleLength: number;
  out: string;
  json?: boolean;
  resume?: string;
}

export interface Checkpoint {
  file: string;
  bytes: Uint8Array;
  options: Options;
  /** The text. */
  path: string;
  /** The text's digest: another text would not go on with the same run. */
  digest: string;
  numbers: TrainNumbers;
}

export interface Job {
  options: Options;
  /** The text. */
  path: string;
  checkpoint?: Checkpoint;
}

export function started(file: string | undefined, options: Options): Job {
  if (file === undefined) throw new ConfigError("expected a text file to train on: unrolled train FILE");
  if (options.steps !== undefined && options.epochs !== undefined) {
    throw new ConfigError("--steps and --epochs exclude each other");
  }
  if (options.epochs === 0) throw new ConfigError("--epochs must be above 0");
  checkSchedule(options);
  if (isKind(options.tokenizer)) {
    const { vocabSize } = options;
    checkTokenizerOptions(options.tokenizer, { vocabSize });
  } else if (options.vocabSize !== undefined) {
    throw new ConfigError(`--vocab-size: the tokenizer in ${options.tokenizer} has its own size`);
  }
  return { options, path: file };
}

function checkSchedule({ schedule, decay, patience, validation }: Options): void {
  if (decay !== undefined && schedule !== "step" && schedule !== "plateau") {
    throw new ConfigError(`--decay is for the schedules step and plateau: ${schedule} has no such option`);
  }
  if (patience !== undefined && schedule !== "plateau") {
    throw new ConfigError(`--patience is for the schedule plateau: ${schedule} has no such option`);
  }
  if (schedule === "plateau" && validation === 0) {
    throw new ConfigError("--schedule plateau follows the validation loss: it needs --validation above 0");
  }
}

/** Options that a resumed run may have of its own; all others are the checkpoint's. */
const OWN_OPTIONS = ["resume", "out", "json", "sampleLength", "threads", "wide"];

export async function resumed(
  resume: string,
  file: string | undefined,
  given: Options,
  command: Command,
): Promise<Job> {
  const isGiven = (name: string): boolean => command.getOptionValueSource(name) === "cli";
  for (const option of command.options) {
    const name = option.attributeName();
    if (!OWN_OPTIONS.includes(name) && isGiven(name)) {
      throw new ConfigError(`--resume goes on with the checkpoint's own options: leave out ${option.long}`);
    }
  }
  const checkpoint = readCheckpoint(resume, await readFileChecked(resume));
  const options = { ...checkpoint.options, out: isGiven("out") ? given.out : resume };
  if (isGiven("sampleLength")) options.sampleLength = given.sampleLength;
  return { options, path: file ?? checkpoint.path, checkpoint };
}

function readCheckpoint(file: string, bytes: Uint8Array): Checkpoint {
  const { training } = about(file, () => readSafetensors(bytes).metadata);
  if (training === undefined) {
    throw new FormatError(`${file} is no checkpoint: a finished model has no training state to go on from`);
  }
  try {
    const { options, path, digest, numbers } = JSON.parse(training) as Checkpoint;
    // Trainer.restore checks what the numbers are.
    if (typeof numbers !== "object" || numbers === null) throw new Error("numbers are missing");
    if (typeof path !== "string" || typeof options.out !== "string") throw new Error("a path is missing");
    // What JSON makes of Infinity: no clipping.
    options.clip ??= Infinity;
    return { file, bytes, options, path, digest, numbers };
  } catch (cause) {
    throw new FormatError(`${file}: metadata: training: ${(cause as Error).message}`, { cause });
  }
}

/** A new model with a tokenizer that knows the training part of the text alone, or the checkpoint's. */
export async function prepareModel(
  engine: Engine,
  text: string,
  { options, checkpoint, path }: Job,
  signal: AbortSignal,
): Promise<{ model: LanguageModel; tokenizer: Tokenizer; tensors?: ReadonlyMap<string, SafeTensor> }> {
  if (checkpoint) {
    if (checkpoint.digest !== digestOf(text)) {
      throw new ConfigError(
        `${path} is not the text that ${checkpoint.file} was trained on: resuming needs the same`,
      );
    }
    const { model, extras } = about(checkpoint.file, () => loadLanguageModel(engine, checkpoint.bytes));
    if (!model.tokenizer) throw new FormatError("the checkpoint holds no tokenizer");
    if (checkpoint.numbers.build !== engine.build) {
      console.error(
        `warning: the checkpoint was made with the ${checkpoint.numbers.build} build, this is ${engine.build}: ` +
          "the run goes on, but not bit for bit as it would have",
      );
    }
    return { model, tokenizer: model.tokenizer, tensors: extras.tensors };
  }
  const [training] = splitText(text, options.validation);
  const tokenizer = await prepareTokenizer(training, options, signal);
  const { vocabSize } = tokenizer;
  const config = { ...options, vocabSize, numLayers: options.layers };
  return { model: new LanguageModel(engine, config, tokenizer), tokenizer };
}

async function prepareTokenizer(
  training: string,
  { tokenizer, vocabSize, json }: Options,
  signal: AbortSignal,
): Promise<Tokenizer> {
  if (!isKind(tokenizer)) return loadNamedTokenizer(tokenizer);
  const { onProgress, stop } = tokenizerProgress(training.length, !json && process.stderr.isTTY);
  try {
    return await trainTokenizer(tokenizer, training, { vocabSize, onProgress, signal });
  } finally {
    stop();
  }
}

/** What a checkpoint stores of its text, to recognise it. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
