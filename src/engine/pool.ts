import { EngineError } from "../errors.ts";
import type { LoadedKernels } from "./instantiate.ts";
import type { SplitKernel } from "./kernels.ts";
import { LARGEST_ARGS } from "./layouts.ts";
import type { Spawn, Thread } from "./spawn.ts";
import { CONTROL as AT, CONTROL_BYTES } from "./worker.ts";

/**
 * How long a thread without work, or the caller waiting for the last part, looks before it sleeps, in milliseconds. A
 * job reaches a thread that looks within 1 µs; waking one that sleeps costs the caller 9 µs, and it comes 50 µs later
 * (on a virtual machine). Pauses between the kernels of a training step are mostly shorter than that.
 */
const SPIN = 0.05;

/** How much work there has to be before threads start, in milliseconds: about what it takes until they are ready. */
const WORTH_STARTING = 10;

/** Waiting for other threads is cut in slices; so many in a row without a part done, 5 s, and one is taken for dead. */
const SLICE = 50;
const LARGEST_SILENCE = 100;
/** Parts may take long: as many times the slowest one that the caller itself did is never too long. */
const PATIENCE = 4;

/** Where the argument struct of a kernel refers to memory that each thread has of its own. */
export interface Scratch {
  /** Which field of the struct holds the first thread's address, and the bytes from one thread's to the next's. */
  word: number;
  bytes: number;
}

/**
 * Threads that take parts of a kernel's work, besides the caller. They start once there has been work that is worth it
 * and join when they are ready; until then the caller does all parts. Splitting work never changes its result.
 *
 * A thread that traps, ends or stops answering makes `run` throw. Where it may still write to the memory, or is gone,
 * the pool is of no use afterwards (`failure`): the engine is to be closed.
 */
export class Pool {
  /** How many threads there are at most, the caller among them. */
  readonly size: number;
  /** See worker.ts. */
  readonly control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  readonly threads: Thread[] = [];
  /** Why the pool is of no use any more. */
  failure: string | undefined;
  readonly #values = new Float64Array(this.control.buffer, 4 * AT.arguments, 16);
  readonly #loaded: LoadedKernels;
  readonly #spawn: Spawn;
  readonly #args: number;
  readonly #numbers: Map<string, number>;
  /** Milliseconds that the caller has spent on work that could have been shared. */
  #alone = 0;
  #started = false;
  #closed = false;

  /** @param args room for an argument struct for each thread. */
  constructor(loaded: LoadedKernels, size: number, spawn: Spawn, args: number) {
    this.#loaded = loaded;
    this.size = size;
    this.#spawn = spawn;
    this.#args = args;
    this.#numbers = new Map(WebAssembly.Module.exports(loaded.module).map(({ name }, i) => [name, i]));
  }

  /** How many threads work now, the caller among them. */
  get running(): number {
    return this.#closed ? 1 : 1 + Atomics.load(this.control, AT.joined);
  }

  /** Starts the threads, once; as many as the runtime lets start. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { module, memory } = this.#loaded;
    const { control } = this;
    const common = { module, memory, control: control.buffer, at: AT, spin: SPIN };
    for (let thread = 1; thread < this.size; thread++) {
      const start = { ...common, thread, args: this.#args, argsWords: LARGEST_ARGS / 4 };
      const onEnd = (reason: string): void => {
        // One that could not start is not missed; one that took part may have left a part undone.
        const isMember = (Atomics.load(control, AT.members + (thread >> 5)) >> (thread & 31)) & 1;
        if (isMember && !this.#closed) this.failure ??= `thread ${thread + 1} died: ${reason}`;
      };
      try {
        this.threads.push(this.#spawn(start, onEnd));
      } catch {
        // Forbidden here: by a page's content security policy, or Node's permissions.
        return;
      }
    }
  }

  /**
   * Runs all parts of a kernel and returns when they are done.
   * @throws EngineError if a thread trapped, died or does not answer.
   */
  run(kernel: SplitKernel, parts: number, args: readonly number[], scratch: Scratch | undefined): void {
    const { control } = this;
    const call = this.#loaded.kernels[kernel] as (...args: number[]) => void;
    if (Atomics.load(control, AT.joined) === 0) {
      const start = performance.now();
      for (let part = 0; part < parts; part++) call(...args, part, parts);
      this.#alone += performance.now() - start;
      if (this.#alone > WORTH_STARTING) this.start();
      return;
    }
    const first = control[AT.end];
    const end = (first + parts) | 0;
    control[AT.first] = first;
    control[AT.parts] = parts;
    control[AT.kernel] = this.#numbers.get(kernel)!;
    control[AT.argumentCount] = args.length;
    control[AT.scratchWord] = scratch?.word ?? -1;
    control[AT.scratchBytes] = scratch?.bytes ?? 0;
    control[AT.pages] = this.#loaded.memory.buffer.byteLength / 65536;
    control[AT.failed] = 0;
    control[AT.done] = 0;
    this.#values.set(args);
    // The first part is the caller's: so it knows what a part takes.
    Atomics.store(control, AT.next, (first + 1) | 0);
    Atomics.store(control, AT.end, end);
    if (Atomics.load(control, AT.sleeping) > 0) Atomics.notify(control, AT.end, parts - 1);

    let trap: { part: number; cause: unknown } | undefined;
    let slowest = 0;
    for (let next = first; next !== end; next = this.#take(end)) {
      const start = performance.now();
      const part = (next - first) | 0;
      try {
        call(...args, part, parts);
      } catch (cause) {
        trap ??= { part, cause };
      }
      slowest = Math.max(slowest, performance.now() - start);
      Atomics.add(control, AT.done, 1);
    }
    this.#wait(kernel, parts, slowest);
    if (control[AT.failed] > 0) {
      const length = control[AT.messageLength];
      const text = String.fromCharCode(...new Uint16Array(control.buffer, 4 * AT.message, length));
      trap ??= { part: control[AT.failedPart], cause: text };
    }
    if (trap) {
      const { part, cause } = trap;
      throw new EngineError(`${kernel} failed in part ${part + 1} of ${parts}: ${cause}`, { cause });
    }
  }

  /** Ends all threads. */
  close(): void {
    this.#started = true;
    this.#closed = true;
    for (const thread of this.threads) thread.terminate();
    this.threads.length = 0;
  }

  /** The number of a part taken for the caller, or `end` when none is left. */
  #take(end: number): number {
    const { control } = this;
    for (;;) {
      const next = Atomics.load(control, AT.next);
      if (next === end) return end;
      if (Atomics.compareExchange(control, AT.next, next, (next + 1) | 0) === next) return next;
    }
  }

  /** Until all parts are done. Events of the threads don't arrive while it waits: silence has to tell that one died. */
  #wait(kernel: string, parts: number, slowest: number): void {
    const { control } = this;
    const until = performance.now() + SPIN;
    do {
      for (let i = 0; i < 100; i++) if (Atomics.load(control, AT.done) === parts) return;
    } while (performance.now() < until);
    Atomics.store(control, AT.waiting, 1);
    const patience = Math.max(LARGEST_SILENCE, (PATIENCE * slowest) / SLICE);
    let silence = 0;
    for (let seen = -1; ; ) {
      const done = Atomics.load(control, AT.done);
      if (done === parts) break;
      silence = done === seen ? silence + 1 : 0;
      seen = done;
      if (silence > patience) {
        this.failure =
          `a thread does not answer: ${parts - done} of ${parts} parts of ${kernel} were not done ` +
          `${((silence * SLICE) / 1000).toFixed(1)} s after the others`;
        this.close();
        throw new EngineError(this.failure);
      }
      Atomics.wait(control, AT.done, done, SLICE);
    }
    Atomics.store(control, AT.waiting, 0);
  }
}
