import { ConfigError, EngineError, ShapeError } from "../errors.ts";
import { Tape } from "../tensor/tape.ts";
import { checkShape, sizeOf, Tensor } from "../tensor/tensor.ts";
import { INLINED, type LoadedKernels, loadKernels } from "./instantiate.ts";
import { type ArgumentsOf, CHUNK, type SplitKernel } from "./kernels.ts";
import { type ArgsOf, LARGEST_ARGS, type Layout } from "./layouts.ts";
import { type Build, prefersTallTiles, supports } from "./load.ts";
import { align } from "./memory.ts";
import { Pool, type Scratch } from "./pool.ts";
import { RandomStream } from "./random.ts";
import { Runner } from "./runner.ts";
import { countCores, findSpawn, type Spawn } from "./spawn.ts";
import { checkWide, enableRevectorizer } from "./wide.ts";

const MOST_THREADS = 64;
/** Without a word from the user: more than that rarely pay for a recurrent model's sizes. */
const DEFAULT_THREADS = 8;
/** Parts of one job at most: enough for every thread, and few enough that taking them costs nothing. */
const MOST_PARTS = 64;
/** What a part takes at least, in nanoseconds: handing a job over takes one microsecond. */
const SMALLEST_PART = 5000;

export interface EngineOptions {
  /**
   * "reproducible": the `simd` build, whose every bit the WebAssembly specification fixes. "fast" (the default):
   * fused multiply-adds where the runtime has them (the `relaxed` build; in a page, if its file lies beside the
   * bundle), else the same as "reproducible".
   */
  numerics?: "reproducible" | "fast";
  /** Seed of the engine's random stream (initial weights, dropout): an integer ≥ 0. Default 0. */
  seed?: number;
  /** The most linear memory to use, in bytes. Default and limit: 4 GiB. */
  maximumMemory?: number;
  /**
   * How many threads may compute, the caller's among them: 1 to 64. Default: as many as the machine has cores, up to
   * 8. They start once there has been enough work to share, and join when they are ready. Results do not depend on
   * them. One, whatever is asked for, where the runtime has no shared memory or the caller may not wait: in a page
   * without cross-origin isolation, and in a page's main thread.
   */
  threads?: number;
  /**
   * 256-bit kernels, up to twice as fast, on Node 24 and newer. They rest on an experimental flag of V8's, which is set
   * for the whole process; where they turn out not to be faster, the engine falls back and says why (`engine.narrow`).
   * Default false. Goes with numerics "fast" alone.
   */
  wide?: boolean;
}

/**
 * Loads the kernels and returns an engine: the owner of one linear memory, and of all tensors in it.
 * @throws ConfigError on an option out of range; EngineError where WebAssembly SIMD is missing.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { numerics = "fast", seed = 0, maximumMemory = 0x100000000, threads, wide = false } = options;
  if (numerics !== "fast" && numerics !== "reproducible") {
    throw new ConfigError(`numerics must be "fast" or "reproducible", got ${JSON.stringify(numerics)}`);
  }
  if (wide && numerics === "reproducible") {
    throw new ConfigError(
      'wide kernels use fused multiply-adds: they need numerics "fast", got "reproducible"',
    );
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw new ConfigError(`threads must be an integer from 1 to ${MOST_THREADS}, got ${threads}`);
  }
  const random = new RandomStream(seed);
  const { loaded, narrow } = wide ? await loadWide(maximumMemory) : { loaded: undefined, narrow: undefined };
  const kernels = loaded ?? (await loadFastest(numerics, maximumMemory));
  const size = threads ?? Math.min(DEFAULT_THREADS, countCores());
  const spawn = size > 1 ? findSpawn(kernels.memory) : undefined;
  return new Engine(kernels, random, spawn && { size, spawn }, narrow);
}

/** The wide build, or why it is of no use here. */
async function loadWide(maximumMemory: number): Promise<{ loaded?: LoadedKernels; narrow?: string }> {
  const refused = enableRevectorizer();
  if (refused) return { narrow: refused };
  const loaded = await loadKernels("wide", maximumMemory);
  const narrow = checkWide(loaded);
  return narrow ? { narrow } : { loaded };
}

/** A page may have been given no file of the relaxed build; `engine.build` says which one it is. */
async function loadFastest(numerics: "reproducible" | "fast", maximumMemory: number): Promise<LoadedKernels> {
  if (numerics === "fast" && supports("relaxed")) {
    try {
      return await loadKernels("relaxed", maximumMemory);
    } catch (error) {
      if (!INLINED.simd) throw error;
    }
  }
  return loadKernels("simd", maximumMemory);
}

/** Ends the threads of engines that were forgotten instead of closed. */
const abandoned = new FinalizationRegistry<Pool>((pool) => pool.close());

/** See {@link createEngine}. Not for `new`: the kernels load asynchronously. */
export class Engine extends Runner {
  readonly build: Build;
  /** Initial weights and dropout draw from this stream; a checkpoint stores its state. */
  readonly random: RandomStream;
  /** Where wide kernels were asked for and are not used: why. */
  readonly narrow: string | undefined;
  /** The other threads, where there may be any. */
  readonly pool: Pool | undefined;
  #scratch: Scratch | undefined;
  #tape: Tape | undefined;
  #phase: "idle" | "step" | "infer" = "idle";
  #step = 0;
  #closed = false;
  /** What is done when the step ends: first copies out of the arena, then what allocates memory. */
  #copies: (() => void)[] = [];
  /** Tensors whose memory those copies go to. */
  readonly #replaced = new Set<Tensor>();
  /** The copies that this step keeps. */
  readonly #kept = new Set<Tensor>();
  #after: (() => void)[] = [];

  constructor(
    loaded: LoadedKernels,
    random: RandomStream,
    threads?: { size: number; spawn: Spawn },
    narrow?: string,
  ) {
    super(loaded.kernels, loaded.memory, loaded.heapBase, LARGEST_ARGS * (threads?.size ?? 1));
    this.build = loaded.build;
    this.narrow = narrow;
    this.tallTiles = prefersTallTiles(loaded.build);
    this.random = random;
    if (threads) {
      this.pool = new Pool(loaded, threads.size, threads.spawn, this.argsPointer);
      abandoned.register(this, this.pool, this);
    }
  }

  /** How many threads compute now, the caller's among them: more join when they are needed and ready. */
  get threads(): number {
    return this.pool?.running ?? 1;
  }

  /** The number of the step that arena tensors made now belong to; they die with it. */
  get currentStep(): number {
    return this.#step;
  }

  /** Whether operations are recorded for `backward`. */
  get tape(): Tape | undefined {
    return this.#tape;
  }

  /** Whether neither `step` nor `infer` runs. */
  get isIdle(): boolean {
    return this.#phase === "idle";
  }

  /** Whether `infer` runs. */
  get isInferring(): boolean {
    return this.#phase === "infer";
  }

  /**
   * Runs `body`, recording a tape so that `loss.backward()` works in it, and empties the arena afterwards. Tensors
   * made inside end with it; {@link keep} copies one out. `body` is synchronous.
   * @throws EngineError if `body` returns a Promise, or is called inside another step.
   */
  step<T>(body: () => T): T {
    return this.#run("step", body);
  }

  /** Like {@link step}, without a tape: for results, not gradients. */
  infer<T>(body: () => T): T {
    return this.#run("infer", body);
  }

  #run<T>(phase: "step" | "infer", body: () => T): T {
    this.checkIdle(`engine.${phase}()`);
    this.#phase = phase;
    this.#tape = phase === "step" ? new Tape() : undefined;
    try {
      const result = body();
      if (result instanceof Promise) {
        result.catch(() => {});
        throw new EngineError(
          `the function given to engine.${phase}() returned a Promise; it must be synchronous, since its tensors end ` +
            "with it: await before or after, and use engine.keep() to carry a tensor out",
        );
      }
      return result;
    } catch (error) {
      // Nothing is kept of it, and nothing that it was to replace ends.
      this.#copies.length = 0;
      this.#after.length = 0;
      throw error;
    } finally {
      this.#phase = "idle";
      this.#tape = undefined;
      this.#step++;
      for (const copy of this.#copies.splice(0)) copy();
      this.#replaced.clear();
      this.#kept.clear();
      this.memory.reset();
      for (const finish of this.#after.splice(0)) finish();
    }
  }

  /**
   * A tensor holding a copy of `data`. Inside a step it lives in the arena; outside it lives until `free()`.
   * @throws ShapeError if the shape's size is not the data's length.
   */
  tensor(data: Float32Array | readonly number[], shape: readonly number[]): Tensor {
    checkShape("engine.tensor", shape, data.length);
    const tensor = this.#make(shape, "f32", "tensor");
    this.memory.f32.set(data, tensor.pointer >>> 2);
    return tensor;
  }

  /**
   * Token ids or class numbers: a tensor of 32-bit integers.
   * @throws ShapeError if the shape's size is not the data's length, or a number is no integer of 32 bits.
   */
  ids(data: Int32Array | readonly number[], shape: readonly number[]): Tensor {
    checkShape("engine.ids", shape, data.length);
    const wrong = data instanceof Int32Array ? -1 : data.findIndex((id) => (id | 0) !== id);
    if (wrong >= 0)
      throw new ShapeError(
        `engine.ids: expected integers of 32 bits, got ${data[wrong]} at element ${wrong}`,
      );
    const tensor = this.#make(shape, "i32", "ids");
    this.memory.i32.set(data, tensor.pointer >>> 2);
    return tensor;
  }

  /**
   * A tensor of zeros, f32; where it lives, as with {@link tensor}.
   * @throws ShapeError unless the shape is of positive integers.
   */
  zeros(shape: readonly number[]): Tensor {
    checkShape("engine.zeros", shape);
    const tensor = this.#make(shape, "f32", "zeros");
    this.fill(tensor.pointer, 0, tensor.size);
    return tensor;
  }

  /** Fills `count` floats from `pointer` on. */
  fill(pointer: number, value: number, count: number): void {
    this.run("fill", this.parts(Math.ceil(count / CHUNK), 0.1 * count), pointer, value, count);
  }

  /**
   * A tensor whose content is undefined: for operations, which fill it.
   * @throws EngineError outside a step, where nobody could free what an operation makes on its way.
   */
  empty(shape: readonly number[], dtype: "f32" | "i32", name: string): Tensor {
    if (this.#phase === "idle") {
      this.#checkOpen();
      throw new EngineError(
        `${name} cannot be computed outside a step: call what computes inside engine.infer(() => …), or in engine.step() to train`,
      );
    }
    return this.#make(shape, dtype, name);
  }

  #make(shape: readonly number[], dtype: "f32" | "i32", name: string): Tensor {
    this.#checkOpen();
    const bytes = 4 * sizeOf(shape);
    return this.#phase === "idle"
      ? new Tensor(this, this.memory.allocate(bytes), shape, dtype, name, undefined)
      : new Tensor(this, this.memory.bump(bytes), shape, dtype, name, this.#step);
  }

  /** Memory that lives until freed, zeroed. @throws EngineError inside a step. */
  allocate(floats: number): number {
    this.#checkOpen();
    if (this.#phase !== "idle") {
      throw new EngineError(
        `parameters, gradients and optimizer state cannot be made inside engine.${this.#phase}(): make them before`,
      );
    }
    return this.memory.allocate(4 * floats);
  }

  /** Runs what allocates several times, and gives all of it back if it throws: half a model is of no use. */
  allocateAll<T>(make: () => T): T {
    const before = new Set(this.memory.allocated());
    try {
      return make();
    } catch (error) {
      for (const at of [...this.memory.allocated()]) if (!before.has(at)) this.memory.free(at);
      throw error;
    }
  }

  /**
   * Copies a tensor out of the arena, so that it can be used in later steps: a carried state. The copy has no
   * gradient history. `previous`, a result of an earlier `keep`, ends with this step; if it is of the same size, its memory
   * goes to the new one. A step whose function throws keeps nothing, and `previous` lives on: so return what is kept from
   * the step, and put it in the place of `previous` outside.
   * @throws EngineError between steps, or if `previous` already ends for another tensor, or is not one that could end: a
   *   view, a parameter, what an operation of this step made.
   */
  keep(tensor: Tensor, previous?: Tensor): Tensor {
    this.use(tensor);
    if (this.#phase === "idle") {
      throw new EngineError(
        "engine.keep() copies a tensor out of a step: call it inside engine.step() or infer()",
      );
    }
    const { pointer, shape, dtype, size } = tensor;
    const copy = new Tensor(this, pointer, shape, dtype, `kept ${tensor.name}`, this.#step);
    const isArena = tensor.stepId !== undefined;
    const ends = previous?.isAlive;
    if (ends) {
      this.use(previous);
      if (!previous.isOwner || !(previous.stepId === undefined || this.#kept.has(previous))) {
        throw new EngineError(
          `engine.keep(): expected an earlier result of it as \`previous\`, got ${previous}`,
        );
      }
      if (this.#replaced.has(previous)) {
        throw new EngineError(
          `engine.keep(): ${previous} was already given up for another tensor in this step`,
        );
      }
      this.#replaced.add(previous);
    }
    this.#kept.add(copy);
    // Memory for it can be taken only when the arena is empty, and may then be where the tensor was.
    const settleLater = (): void => {
      const bits = this.memory.i32.slice(pointer >>> 2, (pointer >>> 2) + size);
      this.#after.push(() => {
        const target = this.memory.allocate(4 * size);
        if (ends) previous.free();
        copy.settle(target);
        this.memory.i32.set(bits, target >>> 2);
      });
    };
    if (isArena && ends && previous.stepId === undefined && previous.size === size) {
      // At the end, since the step may still read what `previous` holds.
      this.#copies.push(() => {
        // Freed since, its memory may be another's.
        if (!previous.isAlive) return settleLater();
        const target = previous.surrender();
        this.memory.i32.copyWithin(target >>> 2, pointer >>> 2, (pointer >>> 2) + size);
        copy.settle(target);
      });
      return copy;
    }
    settleLater();
    return copy;
  }

  /** Has `work` done when the step is over, where memory that lives on can be taken: for caches that a step fills. */
  afterStep(work: () => void): void {
    this.#after.push(work);
  }

  /** For work between steps. @throws EngineError inside a step, or if the engine is closed. */
  checkIdle(caller: string): void {
    this.#checkOpen();
    if (this.#phase !== "idle") {
      throw new EngineError(`${caller} was called inside engine.${this.#phase}(): steps do not nest`);
    }
  }

  /** The pointer of a tensor that an operation reads. @throws EngineError if its step is over. */
  use(tensor: Tensor): number {
    this.#checkOpen();
    if (tensor.engine !== this) throw new EngineError(`${tensor} belongs to another engine`);
    if (!tensor.isAlive) {
      throw new EngineError(
        `${tensor} was used after its step ended${tensor.stepId === undefined ? " or it was freed" : ""}: ` +
          "engine.keep(tensor) copies a tensor out of a step",
      );
    }
    return tensor.pointer;
  }

  override args<L extends Layout>(layout: L, values: ArgsOf<L>, scratchBytes = 0): number {
    const word = layout.scratchWord;
    this.#scratch = scratchBytes && word >= 0 ? { word, bytes: align(scratchBytes) } : undefined;
    return super.args(layout, values);
  }

  override scratch(bytes: number): number {
    return this.memory.bump(align(bytes) * (this.pool?.size ?? 1));
  }

  /**
   * Into how many parts to split work that consists of so many groups, none of which can be split, and takes one
   * thread `nanoseconds`, roughly. It depends on the work alone, not on the number of threads.
   */
  override parts(groups: number, nanoseconds: number): number {
    return Math.max(1, Math.min(groups, MOST_PARTS, Math.floor(nanoseconds / this.smallestPart)));
  }

  /** Of the function above: tests set it to 0, to split what is too small for that. */
  smallestPart = SMALLEST_PART;

  /** Whether matmuls use tiles of six rows where they can: for speed alone, bits are the same. Tests set it. */
  tallTiles: boolean;

  /**
   * Runs all parts of a kernel, on all threads, and returns when they are done. A single part runs at once, here.
   * @throws EngineError if a thread trapped, died or does not answer.
   */
  override run<K extends SplitKernel>(kernel: K, parts: number, ...args: ArgumentsOf<K>): void {
    if (parts > 1 && this.pool) {
      this.pool.run(kernel, parts, args, args[0] === this.argsPointer ? this.#scratch : undefined);
    } else super.run(kernel, parts, ...args);
  }

  /**
   * Ends the engine and its threads: it and its tensors cannot be used afterwards. The runtime takes the memory back
   * once nothing refers to the engine.
   */
  close(): void {
    this.#closed = true;
    this.pool?.close();
    abandoned.unregister(this);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  #checkOpen(): void {
    if (this.#closed) throw new EngineError("the engine was closed");
    if (this.pool?.failure) {
      throw new EngineError(`the engine cannot go on, since ${this.pool.failure}: close it and make another`);
    }
  }
}
