/*
 * The worker's side of a trainer: one model, and, where there is a text, its training run.
 */
import { activations, gateTerms } from "../diagnose/activations.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import { ConfigError, FormatError, NumericError } from "../errors.ts";
import { generate } from "../generate/generate.ts";
import { checkCount } from "../generate/sample.ts";
import { checkGenerateOptions, type GeneratedToken, type GenerateOptions } from "../generate/text.ts";
import { LanguageModel, type LanguageModelConfig } from "../models/language-model.ts";
import { loadLanguageModel, saveLanguageModel } from "../models/model-file.ts";
import type { Extras } from "../models/read-model-file.ts";
import { Corpus, type LanguageBatch, splitText } from "../text/corpus.ts";
import { tokenizerFromJSON } from "../text/read-tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { trainTokenizer } from "../text/train-tokenizer.ts";
import { checkRange } from "../train/optimizers.ts";
import { Trainer, type TrainNumbers } from "../train/train.ts";
import { createHistory, type GrowingHistory, growHistory } from "./history.ts";
import type { SampleSettings, TrainerInfo, TrainerOptions, TrainerReport, TrainerState } from "./options.ts";
import type { Adjustments, Inspection, InspectOptions, TrainerSource } from "./protocol.ts";
import { checkIsFree, holdRun, readCheckpoint, writeCheckpoint } from "./storage.ts";

const DEFAULT_MODEL = { hiddenSize: 128, embeddingSize: 64 } as const;
const DEFAULT_CHECKPOINT_EVERY = 20;
/** Of the held-out part, what samples go on from unless they have a prompt. */
const PROMPT_TOKENS = 32;
/** Longer texts are refused: their states would fill the memory, and no view can show them. */
const MOST_INSPECTED = 4096;

/** What a run tells the page's thread unasked. */
export interface Listener {
  reports(reports: TrainerReport[]): void;
  state(state: TrainerState, error?: unknown): void;
}

/** How long reports are gathered before they are sent, in milliseconds: a message each would keep the page busy. */
const GATHER = 50;

export class Run {
  readonly #engine: Engine;
  readonly #model: LanguageModel;
  readonly #options: Omit<TrainerOptions, "text">;
  readonly #text: string | undefined;
  readonly #training: ReturnType<typeof prepareTraining> | undefined;
  readonly #checkpointEvery: number;
  readonly #history: GrowingHistory;
  readonly #listener: Listener;
  #samples: SampleSettings | undefined;
  #state: TrainerState = "ready";
  #stop: AbortController | undefined;
  /** Gives what went wrong, if anything did. */
  #running: Promise<unknown> | undefined;
  #gathered: TrainerReport[] = [];

  private constructor(parts: {
    engine: Engine;
    model: LanguageModel;
    options: Omit<TrainerOptions, "text">;
    text: string | undefined;
    listener: Listener;
    history?: GrowingHistory;
  }) {
    const { engine, model, options, text, listener } = parts;
    this.#engine = engine;
    this.#model = model;
    this.#options = options;
    this.#text = text;
    this.#listener = listener;
    this.#history = parts.history ?? createHistory();
    const { checkpointEvery = DEFAULT_CHECKPOINT_EVERY, samples } = options;
    checkRange("checkpointEvery", checkpointEvery, 0, Number.POSITIVE_INFINITY);
    this.#checkpointEvery = checkpointEvery;
    if (text !== undefined) this.#training = prepareTraining(model, text, options);
    checkSamples(samples, model.tokenizer);
    this.#samples = samples;
  }

  /**
   * @throws ConfigError, FormatError or EngineError as the library's parts do, ConfigError where a new run's name is
   *   taken, FormatError where the kept run or the file is not what it should be, and EngineError where the kept run
   *   is open elsewhere.
   */
  static async open(source: TrainerSource, listener: Listener): Promise<Run> {
    const { checkpoint } = source;
    // Held first: of two tabs that begin under one name at once, the second finds it taken.
    if (checkpoint !== undefined) await holdRun(checkpoint);
    if (!("file" in source || "text" in source)) return Run.#resume(checkpoint, listener);
    if (checkpoint !== undefined) await checkIsFree(checkpoint);
    if ("file" in source) {
      const { file, text, ...options } = source;
      if (text === undefined && options.checkpoint !== undefined) {
        throw new ConfigError(
          "checkpoint: a model without a text to train on is not kept: give a text, or leave it out",
        );
      }
      const bytes = file instanceof Uint8Array ? file : new Uint8Array(await file.arrayBuffer());
      const engine = await createEngine(options.engine);
      return closeOnError(engine, async () => {
        const { model } = loadLanguageModel(engine, bytes);
        const run = new Run({ engine, model, options, text, listener });
        await run.#keep(true);
        return run;
      });
    }
    const { text, ...options } = source;
    if (typeof text !== "string" || text.length === 0) {
      throw new ConfigError(
        `text: expected a text to train on, got ${text === "" ? "an empty one" : typeof text}`,
      );
    }
    const engine = await createEngine(options.engine);
    return closeOnError(engine, async () => {
      const [training] = splitText(text, options.validationFraction ?? 0.1);
      const tokenizer = await prepareTokenizer(training, options);
      const config: LanguageModelConfig = {
        ...DEFAULT_MODEL,
        ...options.model,
        vocabSize: tokenizer.vocabSize,
      };
      const run = new Run({
        engine,
        model: new LanguageModel(engine, config, tokenizer),
        options,
        text,
        listener,
      });
      await run.#keep(true);
      return run;
    });
  }

  static async #resume(name: string | undefined, listener: Listener): Promise<Run> {
    if (name === undefined) throw new ConfigError("expected a text, a file or a checkpoint's name, got none");
    const { record, file, text } = await readCheckpoint(name);
    const { options, history, state } = record;
    const engine = await createEngine(options.engine);
    return closeOnError(engine, async () => {
      const { model, extras } = loadLanguageModel(engine, file);
      const run = new Run({ engine, model, options, text, listener, history: growHistory(history) });
      run.#training?.trainer.restore({ tensors: new Map(extras.tensors), numbers: numbersOf(extras) });
      run.#state = state === "finished" ? "finished" : "ready";
      return run;
    });
  }

  info(): TrainerInfo {
    const training = this.#training;
    const { text: _, ...options } = this.#options as TrainerOptions;
    return {
      config: this.#model.config,
      parameterCount: this.#model.parameterCount,
      tokenizer: this.#model.tokenizer?.toJSON(),
      build: this.#engine.build,
      threads: this.#engine.pool?.size ?? 1,
      state: this.#state,
      step: training?.trainer.step ?? 0,
      steps: training?.trainer.steps ?? 0,
      stepsPerEpoch: training?.corpus.stepsPerEpoch ?? 0,
      trainingTokens: training ? training.corpus.stepsPerEpoch * training.corpus.tokensPerBatch : 0,
      validationTokens: training?.corpus.validationTokens ?? 0,
      bytesPerToken: training?.bytesPerToken ?? 0,
      validationBytesPerToken: training?.validationBytesPerToken ?? 0,
      history: this.#history.toHistory(),
      options,
    };
  }

  /** Starts or goes on. */
  async start(): Promise<void> {
    if (!this.#training) throw new ConfigError("there is no text to train on: give one with the file");
    if (this.#stop?.signal.aborted) await this.#running;
    if (this.#running || this.#state === "finished") return;
    this.#stop = new AbortController();
    this.#setState("training");
    this.#running = this.#train(this.#training.trainer, this.#stop.signal).finally(() => {
      this.#running = undefined;
    });
  }

  /**
   * Returns once no step runs any more, and the run is kept.
   * @throws what ended the run meanwhile, or why it is not kept: then it is paused, or finished, all the same.
   */
  async pause(): Promise<void> {
    this.#stop?.abort();
    const problem = await this.#running;
    if (problem !== undefined) throw problem;
  }

  /** @throws ConfigError on a value out of range; nothing is changed then. */
  adjust({ learningRate, samples }: Adjustments): void {
    checkSamples(samples, this.#model.tokenizer);
    if (learningRate !== undefined) {
      this.#training?.trainer.setLearningRate(learningRate);
      // A checkpoint goes on with the new one.
      this.#options.training = { ...this.#options.training, learningRate };
    }
    if (samples) {
      this.#samples = samples;
      this.#options.samples = samples;
    }
  }

  save(): Uint8Array<ArrayBuffer> {
    return saveLanguageModel(this.#model);
  }

  checkpoint(): Promise<void> {
    return this.#keep(false);
  }

  generate(prompt: string, options: GenerateOptions): AsyncGenerator<GeneratedToken, void, undefined> {
    return generate(this.#model, prompt, options);
  }

  inspect(text: string, { alternatives, unit }: InspectOptions): Inspection {
    const tokenizer = this.#tokenizer();
    const ids = tokenizer.encode(text);
    if (ids.length > MOST_INSPECTED) {
      throw new ConfigError(
        `the text has ${ids.length} tokens: expected at most ${MOST_INSPECTED} to look at`,
      );
    }
    const seen = activations(this.#model, ids, { alternatives });
    const name = (id: number): string => tokenizer.decode([id]);
    return {
      ...seen,
      tokens: Array.from(ids, name),
      names: Object.fromEntries(seen.next.flat().map(({ id }) => [id, name(id)])),
      ...(unit && { unit: { ...unit, terms: gateTerms(this.#model, seen, unit.layer, unit.index) } }),
    };
  }

  close(): void {
    this.#stop?.abort();
    this.#engine.close();
  }

  async #train(trainer: Trainer<LanguageBatch>, signal: AbortSignal): Promise<unknown> {
    const every = 1000 * this.#checkpointEvery;
    let kept = performance.now();
    let sent = kept;
    let problem: unknown;
    try {
      for await (const report of trainer.run(signal)) {
        this.#report(report);
        if (report.kind === "validation") {
          if (!Number.isFinite(report.loss)) {
            throw new NumericError(`the validation loss after step ${report.step} is ${report.loss}`);
          }
          const sample = await this.#sample(report.step, signal);
          if (sample) this.#report(sample);
        }
        const now = performance.now();
        if (now - sent > GATHER) {
          sent = now;
          this.#send();
        }
        if (now - kept > every) {
          problem = await this.#tryToKeep();
          if (problem !== undefined) break;
          kept = performance.now();
        }
      }
    } catch (error) {
      this.#send();
      this.#setState("failed", error);
      return error;
    }
    this.#state = trainer.isFinished ? "finished" : "paused";
    problem ??= await this.#tryToKeep();
    this.#send();
    this.#setState(this.#state, problem);
    return problem;
  }

  /** Gives why the browser did not keep the run, a full disk perhaps: which is no harm to the run itself. */
  #tryToKeep(): Promise<unknown> {
    return this.#keep(false).catch((error: unknown) => error);
  }

  /** A few words of the model as it is now; none if the signal aborted it. */
  async #sample(step: number, signal: AbortSignal): Promise<TrainerReport | undefined> {
    const {
      length,
      prompt = this.#training?.prompt ?? "",
      temperature = 1,
      ...rest
    } = this.#samples ?? { length: 0 };
    if (!(length > 0) || prompt === "") return undefined;
    let text = "";
    for await (const token of generate(this.#model, prompt, { ...rest, temperature, length, signal })) {
      text += token.text;
    }
    return signal.aborted ? undefined : { kind: "sample", step, prompt, text, temperature };
  }

  #report(report: TrainerReport): void {
    this.#history.add(report);
    this.#gathered.push(report);
  }

  #send(): void {
    if (this.#gathered.length > 0) this.#listener.reports(this.#gathered);
    this.#gathered = [];
  }

  #setState(state: TrainerState, error?: unknown): void {
    this.#state = state;
    this.#listener.state(state, error);
  }

  /** Writes the checkpoint, if the run has a name; the text only once. */
  async #keep(first: boolean): Promise<void> {
    const name = this.#options.checkpoint;
    if (name === undefined || !this.#training) return;
    const { trainer } = this.#training;
    const { tensors, numbers } = trainer.state();
    const record = {
      step: trainer.step,
      steps: trainer.steps,
      state: this.#state,
      options: this.#options,
      bytesPerToken: this.#training.bytesPerToken,
      validationBytesPerToken: this.#training.validationBytesPerToken,
      history: this.#history.toHistory(),
    };
    const metadata = { training: JSON.stringify({ numbers }) };
    const file = saveLanguageModel(this.#model, { tensors, metadata });
    await writeCheckpoint(name, record, file, first ? this.#text : undefined);
  }

  #tokenizer(): Tokenizer {
    const { tokenizer } = this.#model;
    if (!tokenizer) throw new ConfigError("the model has no tokenizer, so that it cannot read text");
    return tokenizer;
  }
}

/** @throws ConfigError on what would end the run at its first evaluation. */
function checkSamples(samples: SampleSettings | undefined, tokenizer: Tokenizer | undefined): void {
  if (!samples) return;
  checkGenerateOptions(samples);
  checkCount("samples.length", samples.length);
  const { prompt, length } = samples;
  if (length > 0 && prompt !== undefined && tokenizer?.encode(prompt).length === 0) {
    throw new ConfigError(
      `samples.prompt must be a text of at least one token, got ${JSON.stringify(prompt)}`,
    );
  }
}

async function prepareTokenizer(
  training: string,
  { tokenizer = "char", vocabSize }: Omit<TrainerOptions, "text">,
): Promise<Tokenizer> {
  return typeof tokenizer === "string"
    ? trainTokenizer(tokenizer, training, { vocabSize })
    : tokenizerFromJSON(tokenizer);
}

function prepareTraining(model: LanguageModel, text: string, options: Omit<TrainerOptions, "text">) {
  const { tokenizer } = model;
  if (!tokenizer) throw new ConfigError("the model has no tokenizer, so that it cannot be trained on text");
  const { batchSize = 32, sequenceLength = 64, validationFraction = 0.1 } = options;
  const [training, heldOut] = splitText(text, validationFraction);
  const ids = tokenizer.encode(training);
  const heldOutIds = tokenizer.encode(heldOut);
  const held = validationFraction > 0 ? { validationIds: heldOutIds } : { validationFraction: 0 };
  const corpus = new Corpus(ids, { batchSize, sequenceLength, ...held });
  return {
    corpus,
    trainer: new Trainer(model, corpus, options.training),
    bytesPerToken: bytesPerToken(training, ids),
    validationBytesPerToken: bytesPerToken(heldOut, heldOutIds),
    prompt: tokenizer.decode((heldOutIds.length > 0 ? heldOutIds : ids).subarray(0, PROMPT_TOKENS)),
  };
}

function bytesPerToken(text: string, ids: Int32Array): number {
  return ids.length === 0 ? 0 : new TextEncoder().encode(text).length / ids.length;
}

/** @throws FormatError if the file has no state of a training run. */
function numbersOf({ metadata }: Extras): TrainNumbers {
  try {
    const { numbers } = JSON.parse(metadata.training) as { numbers: TrainNumbers };
    // Trainer.restore checks what they are.
    if (typeof numbers === "object" && numbers !== null) return numbers;
  } catch {
    // Said below.
  }
  throw new FormatError("the checkpoint has no state of a training run in its metadata");
}

async function closeOnError<T>(engine: Engine, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    engine.close();
    throw error;
  }
}
