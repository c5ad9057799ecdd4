import { Command, Option } from "commander";
import type { Engine } from "../engine/engine.ts";
import { ConfigError, FormatError, NumericError } from "../errors.ts";
import { generate } from "../generate/generate.ts";
import { CELLS, LanguageModel } from "../models/language-model.ts";
import { loadLanguageModel, saveLanguageModel } from "../models/model-file.ts";
import { readSafetensors, type SafeTensor } from "../formats/safetensors.ts";
import { CharacterTokenizer } from "../text/character-tokenizer.ts";
import { Corpus } from "../text/corpus.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Trainer, type TrainNumbers, type TrainOptions } from "../train/train.ts";
import { readFileChecked, writeFileAtomic } from "./atomic-write.ts";
import { createDisplay, type Display } from "./display.ts";
import { integer, real } from "./options.ts";
import { openEngine, readText, warnUnknown } from "./setup.ts";

/** Every option of a run; a checkpoint stores them, so that resuming needs only the checkpoint. */
interface Options {
  cell: "rnn" | "lstm" | "gru";
  layers: number;
  hiddenSize: number;
  embeddingSize: number;
  dropout: number;
  tieWeights?: boolean;
  sequenceLength: number;
  batchSize: number;
  validation: number;
  steps?: number;
  epochs?: number;
  optimizer: "sgd" | "adam" | "adamw";
  learningRate: number;
  momentum?: number;
  weightDecay?: number;
  schedule: "constant" | "cosine" | "step";
  warmup: number;
  clip: number;
  seed: number;
  numerics: "fast" | "reproducible";
  evaluateEvery?: number;
  sampleLength: number;
  out: string;
  json?: boolean;
  resume?: string;
}

const DEFAULT_STEPS = 4000;

export function trainCommand(): Command {
  const choice = (flags: string, text: string, choices: readonly string[], value: string): Option =>
    new Option(flags, text).choices(choices).default(value);
  return new Command("train")
    .description("Train a character-level language model on a text file and save it.")
    .argument("[file]", "UTF-8 text; with --resume it may be left out")
    .optionsGroup("Model:")
    .addOption(choice("--cell <kind>", "recurrent cell", Object.keys(CELLS), "lstm"))
    .option("--layers <number>", "layers stacked on each other", integer(1), 1)
    .option("--hidden-size <units>", "units in a layer", integer(1), 128)
    .option("--embedding-size <numbers>", "numbers in a token's vector", integer(1), 64)
    .option("--dropout <probability>", "dropout on embeddings, between layers and before the output", real(0, 0.99), 0)
    .option("--tie-weights", "output layer shares the embedding's weights (needs equal sizes)")
    .optionsGroup("Training:")
    .option("-T, --sequence-length <steps>", "steps that gradients flow back through", integer(1), 64)
    .option("-b, --batch-size <rows>", "sequences trained side by side", integer(1), 32)
    .option("--validation <fraction>", "share of the text, at its end, that is held out", real(0, 0.9), 0.1)
    .option("--steps <number>", `training steps (default: ${DEFAULT_STEPS}, unless --epochs is given)`, integer(1))
    .option("--epochs <number>", "passes over the text, instead of --steps", real(0))
    .addOption(choice("--optimizer <kind>", "optimizer", ["adam", "adamw", "sgd"], "adam"))
    .option("--learning-rate <number>", "highest learning rate", real(0), 3e-3)
    .option("--momentum <number>", "momentum of sgd (default: 0)", real(0, 0.9999))
    .option("--weight-decay <number>", "weight decay (default: 0; adamw: 0.01)", real(0))
    .addOption(choice("--schedule <kind>", "learning rate over time", ["cosine", "step", "constant"], "cosine"))
    .option("--warmup <steps>", "steps in which the learning rate rises", integer(0), 0)
    .option("--clip <norm>", "largest norm of all gradients together; Infinity: no clipping", real(1e-9), 1)
    .option("-s, --seed <number>", "seed of weights, dropout and samples", integer(0), 0)
    .addOption(
      choice("--numerics <mode>", "fast, or reproducible (the same bits in every runtime)", ["fast", "reproducible"], "fast"),
    )
    .optionsGroup("Output:")
    .option("-o, --out <path>", "where the model, and before that its checkpoints, are saved", "model.safetensors")
    .option("--evaluate-every <steps>", "steps between evaluations (default: a tenth of all steps)", integer(1))
    .option("--sample-length <tokens>", "length of the sample after an evaluation", integer(0), 160)
    .option("--resume <checkpoint>", "go on from a checkpoint, with the options stored in it")
    .option("--json", "one JSON object a line instead of the display")
    .action(run);
}

async function run(file: string | undefined, given: Options, command: Command): Promise<void> {
  const job = given.resume ? await resumed(given.resume, file, given, command) : started(file, given);
  const { options, path } = job;
  const text = await readText(path);
  const engine = await openEngine({ numerics: options.numerics, seed: options.seed });
  const { model, tokenizer, tensors } = prepareModel(engine, text, job);
  const corpus = new Corpus(tokenizer.encode(text), {
    batchSize: options.batchSize,
    sequenceLength: options.sequenceLength,
    validationFraction: options.validation,
  });

  const steps = options.steps ?? (options.epochs ? Math.ceil(options.epochs * corpus.stepsPerEpoch) : DEFAULT_STEPS);
  const stop = new AbortController();
  const settings: TrainOptions = {
    ...options,
    epochs: undefined,
    steps,
    evaluateEvery: options.evaluateEvery ?? Math.max(1, Math.ceil(steps / 10)),
    signal: stop.signal,
  };
  const trainer = new Trainer(model, corpus, settings);
  if (job.checkpoint && tensors) {
    const { numbers } = job.checkpoint;
    trainer.restore({ tensors: new Map(tensors), numbers });
  }

  const save = async (): Promise<void> => {
    const { tensors, numbers } = trainer.state();
    const training = JSON.stringify({ options: { ...options, steps, resume: undefined }, path, numbers });
    await writeFileAtomic(options.out, saveLanguageModel(model, { tensors, metadata: { training } }));
  };
  // An unwritable path must be noticed before the training, not after it.
  await save();

  const display = createDisplay(given.json ?? false);
  display.start({
    file: path,
    tokens: corpus.stepsPerEpoch * corpus.tokensPerBatch,
    validationTokens: corpus.validationTokens,
    vocabSize: model.config.vocabSize,
    parameters: model.parameterCount,
    config: model.config,
    steps,
    step: trainer.step,
    build: engine.build,
  });
  const onSignal = (): void => {
    // A second Ctrl-C ends the process in the usual way.
    process.off("SIGINT", onSignal);
    stop.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    for await (const report of trainer.run()) {
      if (report.kind === "step") {
        display.step(report);
        continue;
      }
      display.validation(report);
      if (stop.signal.aborted) break;
      await save();
      await showSample(model, text, options, display);
    }
  } catch (error) {
    display.stop();
    if (error instanceof NumericError) {
      throw new NumericError(`${error.message}. The last checkpoint is in ${options.out}`, { cause: error });
    }
    throw error;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
  if (trainer.step < steps) {
    await save();
    display.stop();
    display.interrupted(options.out, trainer.step, steps);
    process.exitCode = 130;
  } else {
    await writeFileAtomic(options.out, saveLanguageModel(model));
    display.finish(options.out);
  }
  engine.close();
}

interface Checkpoint {
  bytes: Uint8Array;
  options: Options;
  path: string;
  numbers: TrainNumbers;
}

interface Job {
  options: Options;
  /** The text. */
  path: string;
  checkpoint?: Checkpoint;
}

function started(file: string | undefined, options: Options): Job {
  if (file === undefined) throw new ConfigError("expected a text file to train on: unrolled train FILE");
  if (options.steps !== undefined && options.epochs !== undefined) {
    throw new ConfigError("--steps and --epochs exclude each other");
  }
  return { options, path: file };
}

/** Options that a resumed run may have of its own; all others are the checkpoint's. */
const OWN_OPTIONS = ["resume", "out", "json", "sampleLength"];

async function resumed(resume: string, file: string | undefined, given: Options, command: Command): Promise<Job> {
  for (const option of command.options) {
    const name = option.attributeName();
    if (!OWN_OPTIONS.includes(name) && command.getOptionValueSource(name) === "cli") {
      throw new ConfigError(`--resume goes on with the checkpoint's own options: leave out ${option.long}`);
    }
  }
  const checkpoint = readCheckpoint(resume, await readFileChecked(resume));
  const out = command.getOptionValueSource("out") === "cli" ? given.out : resume;
  const { sampleLength } = given;
  return { options: { ...checkpoint.options, out, sampleLength }, path: file ?? checkpoint.path, checkpoint };
}

function readCheckpoint(path: string, bytes: Uint8Array): Checkpoint {
  const { training } = readSafetensors(bytes).metadata;
  if (training === undefined) {
    throw new FormatError(`${path} is no checkpoint: a finished model has no training state to go on from`);
  }
  try {
    const stored = JSON.parse(training) as Omit<Checkpoint, "bytes">;
    const { numbers } = stored;
    if (!Number.isSafeInteger(numbers.step) || !Array.isArray(numbers.carried) || !stored.options.out) {
      throw new Error("a field is missing");
    }
    return { ...stored, bytes };
  } catch (cause) {
    throw new FormatError(`${path}: metadata: training: ${(cause as Error).message}`, { cause });
  }
}

/** A new model with a tokenizer trained on the training part of the text, or the checkpoint's. */
function prepareModel(
  engine: Engine,
  text: string,
  { options, checkpoint, path }: Job,
): { model: LanguageModel; tokenizer: Tokenizer; tensors?: ReadonlyMap<string, SafeTensor> } {
  if (checkpoint) {
    const { model, extras } = loadLanguageModel(engine, checkpoint.bytes);
    if (!model.tokenizer) throw new FormatError("the checkpoint holds no tokenizer");
    if (checkpoint.numbers.build !== engine.build) {
      console.error(
        `warning: the checkpoint was made with the ${checkpoint.numbers.build} build, this is ${engine.build}: ` +
          "the run goes on, but not bit for bit as it would have",
      );
    }
    return { model, tokenizer: model.tokenizer, tensors: extras.tensors };
  }
  const training = text.slice(0, Math.ceil(text.length * (1 - options.validation)));
  const tokenizer = CharacterTokenizer.train(training);
  warnUnknown(tokenizer, text, `the held-out part of ${path}`);
  const { cell, hiddenSize, embeddingSize, dropout, tieWeights, layers } = options;
  const { vocabSize } = tokenizer;
  const config = { cell, vocabSize, embeddingSize, hiddenSize, numLayers: layers, dropout, tieWeights };
  return { model: new LanguageModel(engine, config, tokenizer), tokenizer };
}

/** A few words from the model as it is now, continuing the first words of the text. */
async function showSample(
  model: LanguageModel,
  text: string,
  { sampleLength: length, seed }: Options,
  display: Display,
): Promise<void> {
  if (length === 0) return;
  let sample = "";
  for await (const token of generate(model, text.slice(0, 64), { length, temperature: 0.8, seed })) {
    sample += token.text;
  }
  display.sample(sample);
}
