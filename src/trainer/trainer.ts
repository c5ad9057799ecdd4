import { ConfigError, EngineError } from "../errors.ts";
import type { GeneratedToken, GenerateOptions } from "../generate/text.ts";
import type { TrainerInfo, TrainerReport, TrainerState } from "./options.ts";
import {
  type Adjustments,
  type CallName,
  type Calls,
  fromPlainError,
  type Inspection,
  type InspectOptions,
  type Port,
  type Response,
  type TrainerSource,
} from "./protocol.ts";

/** The worker's program relative to this module: esbuild sets it for bundles, sources use build/. */
declare const UNROLLED_TRAINER_WORKER: string | undefined;

/** By which a file that is both library and program knows that it is a trainer's worker. */
export const WORKER_NAME = "unrolled trainer";

export interface TrainerWorker extends Port {
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

export interface CreateTrainerOptions {
  /** Ends the trainer as `close()` does, also while it is being opened: createTrainer then throws the signal's reason. */
  signal?: AbortSignal;
  /** The worker to use. Default: a new one that runs `trainer-worker.js`, which lies beside the library; of `unrolled.min.js`, itself. */
  worker?: TrainerWorker;
}

/**
 * A training run in a worker of its own, so that a page stays quick while it trains: from a text, from a run that
 * was kept in the browser's storage, or from a model's file.
 *
 *     const trainer = await createTrainer({ text, training: { steps: 1000 }, checkpoint: "my run" });
 *     for await (const report of trainer.run()) if (report.kind === "step") draw(report.step, report.loss);
 *
 * All cores are used where the page is cross-origin isolated, else one thread: `info.notice` then says so.
 * @throws ConfigError on an option out of range or a new run's name under which one is kept already, FormatError on
 *   a file or a kept run that is not what it should be, EngineError where WebAssembly SIMD or workers are missing, or
 *   the kept run is open elsewhere.
 */
export async function createTrainer(
  source: TrainerSource,
  { signal, worker }: CreateTrainerOptions = {},
): Promise<WorkerTrainer> {
  signal?.throwIfAborted();
  const link = new Link(worker ?? startWorker(), signal);
  try {
    const isolated = globalThis.crossOriginIsolated ?? true;
    const info = await link.call("open", { source, isolated });
    return new WorkerTrainer(link, info);
  } catch (error) {
    link.close("it could not be opened");
    signal?.throwIfAborted();
    throw error;
  }
}

function startWorker(): TrainerWorker {
  if (typeof Worker !== "function") {
    throw new EngineError(
      "there are no web workers here: in Node use train(), which createTrainer() runs in one",
    );
  }
  // Literals, all of it: bundlers that know this form take the worker along.
  return (
    typeof UNROLLED_TRAINER_WORKER === "string"
      ? new Worker(new URL(UNROLLED_TRAINER_WORKER, import.meta.url), { type: "module", name: WORKER_NAME })
      : new Worker(new URL("../../build/trainer-worker.js", import.meta.url), {
          type: "module",
          name: WORKER_NAME,
        })
  ) as TrainerWorker;
}

interface Pending {
  resolve(output: never): void;
  reject(error: Error): void;
  tokens?: (tokens: GeneratedToken[]) => void;
}

/** Requests and their replies. */
class Link {
  onReports: (reports: TrainerReport[]) => void = () => {};
  onState: (state: TrainerState, error?: Error) => void = () => {};
  readonly #worker: TrainerWorker;
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #ended: string | undefined;
  /** A signal that outlives the link must not hold it. */
  readonly #listening = new AbortController();

  constructor(worker: TrainerWorker, signal?: AbortSignal) {
    this.#worker = worker;
    signal?.addEventListener("abort", () => this.close("its signal aborted"), {
      signal: this.#listening.signal,
    });
    worker.onmessage = ({ data }) => this.#receive(data as Response);
    worker.onerror = (event) => {
      event.preventDefault?.();
      this.close(event.message || "its program could not be loaded");
    };
  }

  call<C extends CallName>(
    call: C,
    input: Calls[C]["input"],
    tokens?: (tokens: GeneratedToken[]) => void,
  ): Promise<Calls[C]["output"]> & { id: number } {
    const id = this.#next++;
    const promise = new Promise<Calls[C]["output"]>((resolve, reject) => {
      if (this.#ended !== undefined) throw new EngineError(`the trainer's worker has ended: ${this.#ended}`);
      this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject, tokens });
      this.#worker.postMessage({ id, call, input });
    });
    return Object.assign(promise, { id });
  }

  cancel(id: number): void {
    if (this.#pending.has(id)) this.#worker.postMessage({ id, call: "cancel" });
  }

  /** Ends the worker; whoever waits for it hears why. */
  close(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#listening.abort();
    this.#worker.terminate();
    const error = new EngineError(`the trainer's worker has ended: ${reason}`);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.onState("failed", error);
  }

  #receive(response: Response): void {
    switch (response.kind) {
      case "reports":
        this.onReports(response.reports);
        break;
      case "state":
        this.onState(response.state, response.error && fromPlainError(response.error));
        break;
      case "tokens":
        this.#pending.get(response.id)?.tokens?.(response.tokens);
        break;
      case "done":
        this.#take(response.id)?.resolve(response.output as never);
        break;
      case "error":
        this.#take(response.id)?.reject(fromPlainError(response.error));
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}

/** Values that come faster than they are taken. */
class Queue<T> {
  readonly #values: T[] = [];
  #wake: (() => void) | undefined;

  push(values: readonly T[]): void {
    this.#values.push(...values);
    this.wake();
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** The next one, or undefined when there is none. */
  take(): T | undefined {
    return this.#values.shift();
  }

  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  /** Until more come, or `wake` is called. Only when there are none. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** See {@link createTrainer}. */
export class WorkerTrainer {
  /** As it was when the trainer was made: what has been reported since is not in it. */
  readonly info: TrainerInfo;
  readonly #link: Link;
  #state: TrainerState;
  #error: Error | undefined;
  /** What has not been taken yet: also when its loop was left, for the next one. */
  readonly #reports = new Queue<TrainerReport>();
  #isRunning = false;

  constructor(link: Link, info: TrainerInfo) {
    this.#link = link;
    this.info = info;
    this.#state = info.state;
    link.onReports = (reports) => {
      if (this.#isRunning) this.#reports.push(reports);
    };
    link.onState = (state, error) => {
      this.#state = state;
      this.#error = error;
      this.#reports.wake();
    };
  }

  get state(): TrainerState {
    return this.#state;
  }

  /**
   * Trains, or goes on, and reports as `train` does, samples besides; ends after the last step. While it is paused
   * no reports come. Leaving the loop, or `signal`, pauses it; what has been reported by then begins the next loop.
   * @throws NumericError when a loss is not finite, EngineError when memory runs out or the worker ends, and when the
   *   browser does not keep the run: it is paused then, or finished, and can go on all the same.
   */
  async *run({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<TrainerReport, void, undefined> {
    if (this.#isRunning)
      throw new ConfigError("run() is already being iterated over: call resume() to go on");
    const reports = this.#reports;
    if (signal?.aborted || (this.#state === "finished" && reports.isEmpty)) return;
    this.#isRunning = true;
    const onAbort = (): void => reports.wake();
    signal?.addEventListener("abort", onAbort);
    try {
      await this.resume();
      for (;;) {
        const report = reports.take();
        if (report) {
          yield report;
          if (signal?.aborted) return;
          continue;
        }
        if (this.#error) throw this.#error;
        if (signal?.aborted || this.#state === "finished") return;
        await reports.wait();
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      try {
        if (this.#state === "training") await this.pause();
      } finally {
        this.#isRunning = false;
      }
    }
  }

  /**
   * Resolves when no step runs any more and the run, if it has a name, is kept.
   * @throws what {@link run} throws, if that comes first.
   */
  pause(): Promise<void> {
    return this.#link.call("pause", undefined);
  }

  resume(): Promise<void> {
    return this.#link.call("run", undefined);
  }

  /** Changes the highest learning rate, or the samples, from the next step on. */
  adjust(adjustments: Adjustments): Promise<void> {
    return this.#link.call("adjust", adjustments);
  }

  /** The bytes of a model file, as {@link saveLanguageModel} writes it: for a download, or for `loadLanguageModel`. */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#link.call("save", undefined);
  }

  /** Keeps the run in the browser's storage now, if it has a name. It is kept every so often and at each pause anyway. */
  checkpoint(): Promise<void> {
    return this.#link.call("checkpoint", undefined);
  }

  /** As {@link generate}, from the model as it is at each token, also while it trains. */
  async *generate(
    prompt: string,
    { signal, ...options }: GenerateOptions = {},
  ): AsyncGenerator<GeneratedToken, void, undefined> {
    if (signal?.aborted) return;
    const queue = new Queue<GeneratedToken>();
    let ended = false;
    let failure: unknown;
    const call = this.#link.call("generate", { prompt, options }, (tokens) => queue.push(tokens));
    call
      .catch((error) => {
        failure = error;
      })
      .finally(() => {
        ended = true;
        queue.wake();
      });
    const onAbort = (): void => this.#link.cancel(call.id);
    signal?.addEventListener("abort", onAbort);
    try {
      for (;;) {
        const token = queue.take();
        if (token) {
          if (signal?.aborted) return;
          yield token;
          continue;
        }
        if (failure) throw failure;
        if (ended) return;
        await queue.wait();
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#link.cancel(call.id);
    }
  }

  /** What the model computes while it reads a text: states, gates, next-token probabilities. */
  inspect(text: string, options: InspectOptions = {}): Promise<Inspection> {
    return this.#link.call("inspect", { text, options });
  }

  /** Ends the worker at once; what was not kept is lost. */
  close(): void {
    this.#link.close("it was closed");
  }
}
