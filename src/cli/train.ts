import { Command } from "commander";
import { NumericError } from "../errors.ts";
import { generate } from "../generate/generate.ts";
import { CELLS, type LanguageModel } from "../models/language-model.ts";
import { saveLanguageModel } from "../models/model-file.ts";
import { Corpus, splitText } from "../text/corpus.ts";
import { DEFAULT_VOCAB_SIZE, TOKENIZER_KINDS } from "../text/train-tokenizer.ts";
import { Trainer, type TrainOptions } from "../train/train.ts";
import { checkWritable, writeFileAtomic } from "./atomic-write.ts";
import { createDisplay, type Display } from "./display.ts";
import { type Interruption, interruptSignal } from "./interruption.ts";
import { digestOf, type Options, prepareModel, resumed, started } from "./job.ts";
import { nameOf, predictedSize, sizeOf, unknownShare, warnUnknown } from "./measure.ts";
import { choice, fileName, integer, numericsOption, real, threadsOption, wideOption } from "./options.ts";
import { promptFrom } from "./prompt.ts";
import { about, checkIsOther, openEngine, readText } from "./setup.ts";
import { isKind } from "./tokenizers.ts";

const DEFAULT_STEPS = 4000;
/** Of the ten evaluations that a run has unless told. */
const DEFAULT_PATIENCE = 1;

export function trainCommand(): Command {
  return new Command("train")
    .description("Train a language model, and its tokenizer, on a text file and save both in one file.")
    .argument("[file]", "UTF-8 text; with --resume it may be left out")
    .optionsGroup("Tokens:")
    .option(
      "--tokenizer <kind>",
      `what a token is: ${TOKENIZER_KINDS.join(", ")}, learnt from the text without its held-out part; or a tokenizer.json`,
      "char",
    )
    .option(
      "--vocab-size <tokens>",
      `tokens to learn; for word the most (default: ${DEFAULT_VOCAB_SIZE}; char: all characters)`,
      integer(1),
    )
    .optionsGroup("Model:")
    .addOption(choice("--cell <kind>", "recurrent cell", Object.keys(CELLS), "lstm"))
    .option("--layers <number>", "layers stacked on each other", integer(1, 1000), 1)
    .option("--hidden-size <units>", "units in a layer", integer(1), 128)
    .option("--embedding-size <numbers>", "numbers in a token's vector", integer(1), 64)
    .option(
      "--dropout <probability>",
      "dropout on embeddings, between layers and before the output",
      real(0, 0.99),
      0,
    )
    .option(
      "--proj-size <numbers>",
      "lstm: numbers in its state, projected from the units (default: as many as units)",
      integer(1),
    )
    .addOption(choice("--recurrent-init <kind>", "how W_hh starts", ["uniform", "orthogonal"], "uniform"))
    .option(
      "--forget-bias <number>",
      "lstm: what the forget gate's bias starts at; 1 keeps memories at first (default: random)",
      real(-100, 100),
    )
    .option("--tie-weights", "output layer shares the embedding's weights (needs equal sizes)")
    .optionsGroup("Training:")
    .option("-T, --sequence-length <steps>", "steps that gradients flow back through", integer(1), 64)
    .option("-b, --batch-size <rows>", "sequences trained side by side", integer(1), 32)
    .option("--validation <fraction>", "share of the text, at its end, that is held out", real(0, 0.9), 0.1)
    .option(
      "--steps <number>",
      `training steps (default: ${DEFAULT_STEPS}, unless --epochs is given)`,
      integer(1),
    )
    .option("--epochs <number>", "passes over the text, instead of --steps", real(0))
    .addOption(choice("--optimizer <kind>", "optimizer", ["adam", "adamw", "rmsprop", "sgd"], "adam"))
    .option("--learning-rate <number>", "highest learning rate", real(0), 3e-3)
    .option("--momentum <number>", "momentum of sgd and rmsprop (default: 0)", real(0, 0.9999))
    .option("--weight-decay <number>", "weight decay (default: 0; adamw: 0.01)", real(0))
    .addOption(
      choice(
        "--schedule <kind>",
        "learning rate over time; plateau: lower when the validation loss stops falling",
        ["cosine", "step", "plateau", "constant"],
        "cosine",
      ),
    )
    .option(
      "--decay <factor>",
      "what step (every tenth of all steps) and plateau multiply the learning rate by (default: 0.5; plateau: 0.1)",
      real(0, 1),
    )
    .option(
      "--patience <evaluations>",
      `plateau: evaluations in a row without improvement that it bears (default: ${DEFAULT_PATIENCE})`,
      integer(0),
    )
    .option("--warmup <steps>", "steps in which the learning rate rises", integer(0), 0)
    .option(
      "--clip <norm>",
      "largest norm of all gradients together; Infinity: no clipping",
      real(1e-9, Infinity),
      1,
    )
    .option("-s, --seed <number>", "seed of weights, dropout and samples", integer(0), 0)
    .addOption(numericsOption())
    .addOption(threadsOption())
    .addOption(wideOption())
    .optionsGroup("Output:")
    .option(
      "-o, --out <path>",
      "where the model, and before that its checkpoints, are saved",
      fileName,
      "model.safetensors",
    )
    .option(
      "--evaluate-every <steps>",
      "steps between evaluations (default: a tenth of all steps)",
      integer(1),
    )
    .option("--sample-length <tokens>", "length of the sample after an evaluation", integer(0), 160)
    .option("--resume <checkpoint>", "go on from a checkpoint, with the options stored in it", fileName)
    .option("--json", "one JSON object a line instead of the display")
    .action(run);
}

async function run(file: string | undefined, given: Options, command: Command): Promise<void> {
  const job =
    given.resume !== undefined ? await resumed(given.resume, file, given, command) : started(file, given);
  const { options, path } = job;
  const { out, tokenizer: named } = options;
  await checkIsOther("--out", out, path, ...(job.checkpoint || isKind(named) ? [] : [named]));
  await checkWritable(out);
  const text = await readText(path);
  const signal = interruptSignal();
  const { numerics, seed } = options;
  const engine = await openEngine({ numerics, seed, threads: given.threads, wide: given.wide });
  const { model, tokenizer, tensors } = await prepareModel(engine, text, job, signal);
  const { batchSize, sequenceLength, validation, epochs } = options;
  const [training, heldOut] = splitText(text, validation);
  const ids = tokenizer.encode(training);
  const heldOutIds = tokenizer.encode(heldOut);
  if (!job.checkpoint) warnUnknown(tokenizer, heldOut, `the held-out part of ${path}`, heldOutIds);
  const held = validation > 0 ? { validationIds: heldOutIds } : { validationFraction: 0 };
  const corpus = about(path, () => new Corpus(ids, { batchSize, sequenceLength, ...held }));

  const steps = options.steps ?? (epochs ? Math.ceil(epochs * corpus.stepsPerEpoch) : DEFAULT_STEPS);
  const evaluateEvery = options.evaluateEvery ?? Math.max(1, Math.ceil(steps / 10));
  const settings: TrainOptions = {
    ...options,
    patience: options.patience ?? DEFAULT_PATIENCE,
    epochs: undefined,
    steps,
    evaluateEvery,
    signal,
  };
  const trainer = new Trainer(model, corpus, settings);
  if (job.checkpoint && tensors) {
    const { file, numbers } = job.checkpoint;
    about(file, () => trainer.restore({ tensors: new Map(tensors), numbers }));
  }

  const digest = digestOf(text);
  // The first is written after some progress: until then, the model of an earlier run stays.
  let latest = job.checkpoint?.file;
  const save = async (): Promise<void> => {
    const { tensors, numbers } = trainer.state();
    const stored = {
      options: { ...options, steps, resume: undefined, threads: undefined, wide: undefined },
      path,
      digest,
      numbers,
    };
    const training = JSON.stringify(stored);
    await writeFileAtomic(out, saveLanguageModel(model, { tensors, metadata: { training } }));
    latest = out;
  };

  const display = createDisplay(given.json ?? false);
  display.start({
    file: path,
    tokens: corpus.stepsPerEpoch * corpus.tokensPerBatch,
    validationTokens: corpus.validationTokens,
    tokenizer: nameOf(tokenizer),
    vocabSize: model.config.vocabSize,
    bytesPerToken: sizeOf(training).bytes / ids.length,
    unknown: unknownShare(tokenizer, ids),
    parameters: model.parameterCount,
    config: model.config,
    steps,
    step: trainer.step,
    build: engine.build,
  });
  signal.addEventListener("abort", () => display.stop());
  // One that came while the text was cut into tokens is heard now.
  await new Promise(setImmediate);
  if (!job.checkpoint) signal.throwIfAborted();
  try {
    for await (const report of trainer.run()) {
      if (report.kind === "step") {
        display.step(report);
        // Without a held-out part no evaluation follows: then this is the time for a checkpoint.
        if (corpus.validationTokens > 0 || report.step % evaluateEvery !== 0) continue;
      } else {
        if (!Number.isFinite(report.loss)) {
          throw new NumericError(`the validation loss after step ${report.step} is ${report.loss}`);
        }
        const { bytes } = predictedSize(tokenizer, heldOut, heldOutIds);
        display.validation({ ...report, bitsPerByte: (report.bitsPerToken * report.count) / bytes });
      }
      if (signal.aborted) break;
      await save();
      await showSample(model, ids.subarray(0, 64), options, display);
    }
  } catch (error) {
    display.stop();
    if (error instanceof NumericError) {
      const left = latest === undefined ? "Nothing was saved" : `The last checkpoint is in ${latest}`;
      throw new NumericError(`${error.message}. ${left}`, { cause: error });
    }
    throw error;
  }
  if (trainer.step < steps) {
    display.stop();
    // Untrained weights are not worth an earlier model.
    if (trainer.step === 0) signal.throwIfAborted();
    await save();
    display.interrupted(out, trainer.step, steps);
    process.exitCode = (signal.reason as Interruption).exitCode;
  } else {
    await writeFileAtomic(out, saveLanguageModel(model));
    display.finish(out, trainer.clippedShare, promptFrom(training, tokenizer));
  }
  engine.close();
}

/** A few words from the model as it is now, continuing the first tokens of the text. */
async function showSample(
  model: LanguageModel,
  prompt: Int32Array,
  { sampleLength: length, seed }: Options,
  display: Display,
): Promise<void> {
  if (length === 0) return;
  let sample = "";
  for await (const token of generate(model, prompt, { length, temperature: 0.8, seed })) {
    sample += token.text;
  }
  display.sample(sample);
}
