/**
 * The runs on the page, side by side: each has a trainer, and so a worker, of its own while it is open. Runs of
 * earlier visits are there with their curves, and open when they are needed.
 */
import { computed, type Signal, signal } from "@preact/signals";
import {
  createTrainer,
  deleteStoredRun,
  listStoredRuns,
  readStoredText,
  type SampleReport,
  type StepReport,
  type StoredRunInfo,
  splitText,
  type TrainerInfo,
  type TrainerReport,
  type TrainerSource,
  tokenizerFromJSON,
  type WorkerTrainer,
} from "unrolled";
import { NUMBERS, readSettings, type Settings, trainerOptions, writeSettings } from "./experiment.ts";
import { namesOf } from "./names.ts";
import { route } from "./route.ts";
import { settings } from "./settings.ts";
import { measureStorage } from "./storage.ts";
import { isKept, loadText } from "./texts.ts";

/** "kept": stopped, or of an earlier visit, and not open. "model": a file, which has no text to train on. */
export type Status = "opening" | "training" | "paused" | "finished" | "failed" | "kept" | "model";

export interface Validation {
  step: number;
  loss: number;
  bitsPerToken: number;
}

/** How often what is shown is brought up to date, in milliseconds. */
const REFRESH = 150;
/** How many colours there are in the style sheet, --run-0 and on. */
const COLOURS = 6;

/** Those that the other views give the cells; as few other runs as possible take them. */
const CELL_COLOURS = { lstm: 0, rnn: 1, gru: 2 };

/** Of those that the fewest runs have, the cell's, or one that no cell has. */
function freeColour(cell?: Settings["cell"]): number {
  const uses = Array.from({ length: COLOURS }, () => 0);
  for (const { colour } of runs.peek()) uses[colour]++;
  const wanted = [3, 4, 5, 0, 1, 2];
  if (cell) wanted.unshift(CELL_COLOURS[cell]);
  return wanted.reduce((best, colour) => (uses[colour] < uses[best] ? colour : best));
}

/** What the reader may change of a run. */
interface Changes {
  learningRate?: number;
  temperature?: number;
}

export class Run {
  readonly id: string;
  /** Its settings, or the name of the file that the model is from. */
  readonly subject: Settings | string;
  readonly settings: Settings | undefined;
  /** Under what it is kept: its id and settings. */
  readonly checkpoint: string | undefined;
  /** What it was, or will be, opened with, without its text. */
  readonly options: TrainerInfo["options"];
  readonly colour: number;
  readonly status: Signal<Status>;
  readonly info = signal<TrainerInfo | undefined>(undefined);
  /** Undefined before it is opened, and for a model without one. */
  readonly tokenizer = computed(() => {
    const json = this.info.value?.tokenizer;
    return json && tokenizerFromJSON(json);
  });
  readonly latest = signal<StepReport | undefined>(undefined);
  readonly step = signal(0);
  readonly steps = signal(0);
  readonly samples = signal<readonly SampleReport[]>([]);
  readonly error = signal<string | undefined>(undefined);
  readonly isShown = signal(true);
  /** The highest learning rate, and the samples' temperature, which may change while it trains. */
  readonly learningRate: Signal<number>;
  readonly temperature: Signal<number>;
  /** Counts the refreshes: curves grow in place. */
  readonly version = signal(0);
  readonly loss: number[] = [];
  readonly gradientNorm: number[] = [];
  readonly validation: Validation[] = [];
  /** What a loss in nats per token is divided by for bits per byte: of the text that is trained on, and held out. */
  nats = Math.LN2;
  heldOutNats = Math.LN2;
  #trainer: WorkerTrainer | undefined;
  #opening: Promise<WorkerTrainer> | undefined;
  /** Ends its trainer, also one that is just being opened. */
  #end: AbortController | undefined;
  /** While it trains: what takes its reports. */
  #loop: { stop: AbortController; ended: Promise<void> } | undefined;
  /** What it is opened from: its text or file, and its checkpoint once that is there. */
  #source: TrainerSource;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #report: StepReport | undefined;
  #samples: SampleReport[] = [];
  #isRemoved = false;
  /** What the reader changed: a trainer that is opened later has yet to hear of it. */
  readonly #changes: Changes = {};

  constructor(parts: {
    id: string;
    subject: Settings | string;
    status: Status;
    source: TrainerSource;
    options: TrainerInfo["options"];
  }) {
    this.id = parts.id;
    this.subject = parts.subject;
    this.settings = typeof parts.subject === "string" ? undefined : parts.subject;
    this.status = signal(parts.status);
    this.colour = freeColour(this.settings?.cell);
    this.#source = parts.source;
    this.checkpoint = parts.source.checkpoint;
    this.options = parts.options;
    this.learningRate = signal(parts.options.training?.learningRate ?? NUMBERS.learningRate.default);
    this.temperature = signal(parts.options.samples?.temperature ?? 1);
  }

  /** What it is called among the others. */
  get name(): string {
    return names.value.get(this) ?? namesOf([this.subject])[0];
  }

  /** Whether it can be opened as it was, not only begun again. */
  get isKept(): boolean {
    return !("text" in this.#source);
  }

  /** Bits per token of one who only guesses, as far as the vocabulary is known. */
  get guessing(): number | undefined {
    const { config } = this.info.value ?? {};
    return config && Math.log2(config.vocabSize);
  }

  /** Whether it failed before there was anything of it: it would fail again in the same way. */
  get isVoid(): boolean {
    return this.status.value === "failed" && !this.info.value && this.steps.value === 0;
  }

  /** The trainer, which a run of an earlier visit, or one whose worker crashed, opens now. */
  trainer(): Promise<WorkerTrainer> {
    if (this.#isRemoved) return Promise.reject(new Error("This run was removed."));
    if (this.#trainer?.state === "failed" && this.isKept) this.#close();
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<WorkerTrainer> {
    this.#end = new AbortController();
    const { signal } = this.#end;
    this.status.value = "opening";
    this.error.value = undefined;
    try {
      const trainer = await createTrainer(this.#source, { signal });
      if (this.checkpoint) this.#source = { checkpoint: this.checkpoint };
      this.#trainer = trainer;
      this.#takeInfo(trainer.info);
      await this.#tell(this.#changes);
      this.status.value = !this.settings ? "model" : trainer.state === "finished" ? "finished" : "paused";
      return trainer;
    } catch (error) {
      const explained = this.#explain(error);
      if (!signal.aborted) this.#fail(explained);
      throw explained;
    }
  }

  /** Ends the worker at once: what is kept can be opened again. */
  #close(): void {
    this.#end?.abort();
    this.#trainer = undefined;
    this.#opening = undefined;
  }

  #takeInfo(info: TrainerInfo): void {
    this.info.value = info;
    this.#takeSizes(info);
    this.#takeHistory(info);
  }

  #takeSizes({ bytesPerToken, validationBytesPerToken }: Partial<TrainerInfo>): void {
    this.nats = Math.LN2 * (bytesPerToken || 1);
    this.heldOutNats = Math.LN2 * (validationBytesPerToken || bytesPerToken || 1);
  }

  /** What was drawn may be ahead of the checkpoint, which counts. */
  #takeHistory({ history, step, steps }: Pick<StoredRunInfo, "history" | "step" | "steps">): void {
    this.loss.length = 0;
    this.gradientNorm.length = 0;
    this.validation.length = 0;
    for (const value of history.loss) this.loss.push(value);
    for (const value of history.gradientNorm) this.gradientNorm.push(value);
    this.validation.push(...history.validation);
    this.#report = undefined;
    this.#samples = [...history.samples];
    this.samples.value = this.#samples;
    this.step.value = step;
    this.steps.value = steps;
    this.version.value++;
  }

  static kept(info: StoredRunInfo): Run {
    const { name: checkpoint, state, options } = info;
    const [id, query] = checkpoint.split("?", 2);
    const settings = readSettings(new URLSearchParams(query));
    const run = new Run({ id, subject: settings, status: "kept", source: { checkpoint }, options });
    run.#takeSizes(info);
    run.#takeHistory(info);
    if (state === "finished") run.status.value = "finished";
    return run;
  }

  /** Starts, or goes on, until it is paused or has ended; what ends the training is shown, not thrown. */
  start(): Promise<void> {
    if (!this.#loop) {
      const stop = new AbortController();
      const ended = this.#train(stop.signal).finally(() => {
        this.#loop = undefined;
      });
      this.#loop = { stop, ended };
    }
    return this.#loop.ended;
  }

  async #train(signal: AbortSignal): Promise<void> {
    if (this.#trainer?.state === "failed") this.#close();
    const opening = this.trainer();
    try {
      const trainer = await opening;
      this.status.value = "training";
      this.error.value = undefined;
      for await (const report of trainer.run({ signal })) this.#take(report);
      this.#flush();
      this.status.value = trainer.state === "finished" ? "finished" : "paused";
    } catch (error) {
      // It was stopped or removed, or could not be opened, which is shown already.
      if (opening !== this.#opening) return;
      this.#flush();
      this.#fail(this.#explain(error));
    }
  }

  #take(report: TrainerReport): void {
    if (report.kind === "step") {
      this.loss.push(report.loss);
      this.gradientNorm.push(report.gradientNorm);
      this.#report = report;
    } else if (report.kind === "validation") {
      const { step, loss, bitsPerToken } = report;
      this.validation.push({ step, loss, bitsPerToken });
    } else {
      this.#samples = [...this.#samples.slice(-49), report];
    }
    this.#refresh ??= setTimeout(() => this.#flush(), REFRESH);
  }

  #flush(): void {
    clearTimeout(this.#refresh);
    this.#refresh = undefined;
    if (this.#report) {
      this.latest.value = this.#report;
      this.step.value = this.#report.step;
    }
    this.samples.value = this.#samples;
    this.version.value++;
  }

  #fail({ message }: Error): void {
    this.error.value = message.replace(/^./u, (first) => first.toUpperCase());
    const state = this.#trainer?.state;
    if (state === "paused" || state === "finished") {
      // The browser did not keep it: it is as good as before, and open.
      this.status.value = state;
      return;
    }
    this.status.value = "failed";
    // The weights of a run that is not kept are nowhere else.
    if (this.isKept || !this.#trainer) this.#close();
  }

  /** In the page's words: not the key that it is kept under, nor options of the library. */
  #explain(error: unknown): Error {
    const { message } = error as Error;
    const key = JSON.stringify(this.checkpoint);
    const said = (key ? message.replaceAll(key, `“${this.name}”`) : message).replace(
      /\b[a-z]+[A-Z][A-Za-z]*\b/g,
      (word) => (word in NUMBERS ? NUMBERS[word as keyof typeof NUMBERS].label : word),
    );
    return new Error(said, { cause: error });
  }

  /** It may finish, or fail, first: its status is what its loop ends with. */
  async pause(): Promise<void> {
    const loop = this.#loop;
    if (!loop) return;
    // What goes wrong ends the loop too, which shows it.
    await this.#trainer?.pause().catch(() => {});
    loop.stop.abort();
    await loop.ended;
  }

  /** Pauses and gives the memory back; what is kept can go on later. */
  async stop(): Promise<void> {
    await this.pause();
    const trainer = this.#trainer;
    if (!trainer) return;
    try {
      // What the browser did not keep at the pause would be lost.
      await trainer.checkpoint();
    } catch (error) {
      // Not that a second click had closed it.
      if (trainer === this.#trainer) this.#fail(this.#explain(error));
      return;
    }
    this.#close();
    if (this.status.peek() !== "finished") this.status.value = "kept";
  }

  async adjust(changes: Changes): Promise<void> {
    Object.assign(this.#changes, changes);
    if (changes.learningRate !== undefined) this.learningRate.value = changes.learningRate;
    if (changes.temperature !== undefined) this.temperature.value = changes.temperature;
    // A trainer that has ended is told when it is opened again.
    await this.#tell(changes).catch(() => {});
  }

  async #tell({ learningRate, temperature }: Changes): Promise<void> {
    const { samples } = this.#trainer?.info.options ?? {};
    await this.#trainer?.adjust({
      learningRate,
      ...(samples && temperature !== undefined && { samples: { ...samples, temperature } }),
    });
  }

  /**
   * The held-out part of its own text, which the form's may no longer be.
   * @throws Error if there is none.
   */
  async heldOut(): Promise<string> {
    const source = this.#source;
    const text = "text" in source ? source.text : this.checkpoint && (await readStoredText(this.checkpoint));
    if (!text) throw new Error("The text of this run is not stored any more.");
    return splitText(text, this.options.validationFraction ?? 0.1)[1];
  }

  /** Ends the run and its worker, and forgets what was kept of it. */
  async remove(): Promise<void> {
    this.#isRemoved = true;
    runs.value = runs.peek().filter((run) => run !== this);
    if (selectedId.peek() === this.id) selectedId.value = runs.peek().at(-1)?.id;
    this.#close();
    if (this.checkpoint) await deleteStoredRun(this.checkpoint).catch(() => {});
    await measureStorage();
  }
}

export const runs = signal<readonly Run[]>([]);
const selectedId = signal<string | undefined>(undefined);
/** The run that the figures, samples and the other views are about. */
export const selected = computed(() => runs.value.find((run) => run.id === selectedId.value));

const names = computed(() => {
  const names = namesOf(runs.value.map(({ subject }) => subject));
  return new Map(runs.value.map((run, i) => [run, names[i]]));
});

export function select(run: Run): void {
  selectedId.value = run.id;
}

function add(run: Run): void {
  runs.value = [...runs.peek(), run];
  select(run);
}

let last = 0;
/** Also the order of runs. */
function newId(): string {
  last = Math.max(last + 1, Date.now());
  return `run-${last.toString(36)}`;
}

/**
 * Starts an experiment.
 * @throws Error if its text cannot be loaded.
 */
export async function startRun(all: Settings): Promise<Run> {
  const text = await loadText(all.text);
  const id = newId();
  const source = trainerOptions(all, text, isKept.peek() ? `${id}?${writeSettings(all)}` : undefined);
  const { text: _, ...options } = source;
  const run = new Run({ id, subject: all, status: "opening", source, options });
  add(run);
  void run.start();
  void measureStorage();
  return run;
}

/** @throws FormatError if the file is not a model. */
export async function openModel(name: string, file: Uint8Array | Blob): Promise<Run> {
  const options = { engine: { numerics: "reproducible" as const } };
  const run = new Run({ id: newId(), subject: name, status: "model", source: { file, ...options }, options });
  await run.trainer();
  add(run);
  return run;
}

/** @throws Error with a sentence to show, if the file is not a model. */
export async function openModelFile(file: File): Promise<void> {
  try {
    await openModel(file.name.replace(/\.safetensors$/, ""), file);
  } catch (error) {
    throw new Error(`${file.name} could not be opened: ${(error as Error).message}`, { cause: error });
  }
}

/** How many runs of earlier visits are drawn at first: as many as there are colours. */
const MOST_DRAWN = COLOURS;

/** Brings back the runs of earlier visits, the latest one selected; its settings too, unless a link has others. */
export async function restoreRuns(): Promise<void> {
  let stored: StoredRunInfo[];
  try {
    stored = (await listStoredRuns()).filter(({ name }) => name.startsWith("run-"));
  } catch {
    isKept.value = false;
    return;
  }
  void measureStorage();
  const started = runs.peek();
  const kept: Run[] = [];
  for (const [age, info] of [...stored.entries()].reverse()) {
    const run = Run.kept(info);
    run.isShown.value = age < MOST_DRAWN;
    kept.push(run);
    // Each takes a colour that those before it left.
    runs.value = [...kept, ...started];
  }
  const latest = runs.peek().at(-1);
  if (latest) select(latest);
  if (latest?.settings && route.peek().params.size === 0) settings.value = latest.settings;
}
