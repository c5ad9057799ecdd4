import { ConfigError, EngineError } from "../errors.ts";
import { Tape } from "../tensor/tape.ts";
import { checkShape, sizeOf, Tensor } from "../tensor/tensor.ts";
import type { Kernels } from "./kernels.ts";
import { type ArgsOf, LARGEST_ARGS, LAYOUTS, type Layout } from "./layouts.ts";
import { type Build, type LoadedKernels, loadKernels, supports } from "./load.ts";
import { Memory } from "./memory.ts";
import { RandomStream } from "./random.ts";

/** The layouts as lists, made once: a struct is written before every kernel call. */
const FIELDS = Object.fromEntries(
  Object.entries(LAYOUTS).map(([layout, fields]) => [
    layout,
    Object.entries(fields).map(([name, type]) => ({ name, isFloat: type === "f32" })),
  ]),
);

export interface EngineOptions {
  /**
   * "reproducible": the `simd` build, whose every bit the WebAssembly specification fixes. "fast" (the default):
   * fused multiply-adds where the runtime has them (the `relaxed` build), else the same as "reproducible".
   */
  numerics?: "reproducible" | "fast";
  /** Seed of the engine's random stream (initial weights, dropout): an integer ≥ 0. Default 0. */
  seed?: number;
  /** The most linear memory to use, in bytes. Default and limit: 4 GiB. */
  maximumMemory?: number;
}

/**
 * Loads the kernels and returns an engine: the owner of one linear memory, and of all tensors in it.
 * @throws ConfigError on an option out of range; EngineError where WebAssembly SIMD is missing.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { numerics = "fast", seed = 0, maximumMemory = 0x100000000 } = options;
  if (numerics !== "fast" && numerics !== "reproducible") {
    throw new ConfigError(`numerics must be "fast" or "reproducible", got ${JSON.stringify(numerics)}`);
  }
  if (!(maximumMemory >= 0x200000)) {
    throw new ConfigError(`maximumMemory must be at least 2 MiB (2097152 bytes), got ${maximumMemory}`);
  }
  const build: Build = numerics === "fast" && supports("relaxed") ? "relaxed" : "simd";
  return new Engine(await loadKernels(build, maximumMemory), new RandomStream(seed));
}

/** See {@link createEngine}. Not for `new`: the kernels load asynchronously. */
export class Engine {
  readonly build: Build;
  readonly kernels: Kernels;
  readonly memory: Memory;
  /** Initial weights and dropout draw from this stream; a checkpoint stores its state. */
  readonly random: RandomStream;
  readonly #args: number;
  #tape: Tape | undefined;
  #phase: "idle" | "step" | "infer" = "idle";
  #step = 0;
  #closed = false;
  #kept: (() => void)[] = [];

  constructor(loaded: LoadedKernels, random: RandomStream) {
    this.build = loaded.build;
    this.kernels = loaded.kernels;
    this.memory = new Memory(loaded.memory, loaded.heapBase);
    this.random = random;
    this.#args = this.memory.allocate(LARGEST_ARGS);
  }

  /** The number of the step that arena tensors made now belong to; they die with it. */
  get currentStep(): number {
    return this.#step;
  }

  /** Whether operations are recorded for `backward`. */
  get tape(): Tape | undefined {
    return this.#tape;
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
    this.#checkOpen();
    if (this.#phase !== "idle") {
      throw new EngineError(`engine.${phase}() was called inside engine.${this.#phase}(): steps do not nest`);
    }
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
    } finally {
      this.#phase = "idle";
      this.#tape = undefined;
      this.#step++;
      this.memory.reset();
      const kept = this.#kept;
      this.#kept = [];
      for (const finish of kept) finish();
    }
  }

  /**
   * A tensor holding a copy of `data`. Inside a step it lives in the arena; outside it lives until `free()`.
   * @throws ShapeError if the shape's size is not the data's length.
   */
  tensor(data: Float32Array | readonly number[], shape: readonly number[]): Tensor {
    checkShape("engine.tensor", shape, data.length);
    const tensor = this.empty(shape, "f32", "tensor");
    this.memory.f32.set(data, tensor.pointer >>> 2);
    return tensor;
  }

  /** Token ids or class numbers: a tensor of 32-bit integers. */
  ids(data: Int32Array | readonly number[], shape: readonly number[]): Tensor {
    checkShape("engine.ids", shape, data.length);
    const tensor = this.empty(shape, "i32", "ids");
    this.memory.i32.set(data, tensor.pointer >>> 2);
    return tensor;
  }

  zeros(shape: readonly number[]): Tensor {
    checkShape("engine.zeros", shape);
    const tensor = this.empty(shape, "f32", "zeros");
    this.kernels.fill(tensor.pointer, 0, tensor.size);
    return tensor;
  }

  /** A tensor whose content is undefined: for operations, which fill it. */
  empty(shape: readonly number[], dtype: "f32" | "i32", name: string): Tensor {
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

  /**
   * Copies a tensor out of the arena, so that it can be used in later steps: a carried state. The copy has no
   * gradient history. `previous`, a result of an earlier `keep` with the same shape, gives its memory to the new one
   * and must not be used after this step.
   */
  keep(tensor: Tensor, previous?: Tensor): Tensor {
    this.use(tensor);
    if (this.#phase === "idle") {
      throw new EngineError(
        "engine.keep() copies a tensor out of a step: call it inside engine.step() or infer()",
      );
    }
    const reuse = previous?.isAlive && previous.stepId === undefined && previous.size === tensor.size;
    // The persistent region may not move while the arena is in use, so the copy is finished when the step ends.
    const data = tensor.toArray();
    const copy = new Tensor(
      this,
      tensor.pointer,
      tensor.shape,
      tensor.dtype,
      `kept ${tensor.name}`,
      this.#step,
    );
    this.#kept.push(() => {
      const pointer = reuse ? previous.surrender() : this.memory.allocate(4 * copy.size);
      if (previous && !reuse && previous.isAlive && previous.stepId === undefined) previous.free();
      copy.settle(pointer);
      if (data instanceof Int32Array) this.memory.i32.set(data, pointer >>> 2);
      else this.memory.f32.set(data, pointer >>> 2);
    });
    return copy;
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

  /** Writes an argument struct and returns its address. It is valid until the next call. */
  args<L extends Layout>(layout: L, values: ArgsOf<L>): number {
    const { f32, i32 } = this.memory;
    let at = this.#args >>> 2;
    for (const { name, isFloat } of FIELDS[layout]) {
      const value = (values as Record<string, number>)[name];
      if (isFloat) f32[at++] = value;
      else i32[at++] = value;
    }
    return this.#args;
  }

  /** Runs all parts of a kernel, one after the other. */
  run(parts: number, kernel: (part: number, parts: number) => void): void {
    for (let part = 0; part < parts; part++) kernel(part, parts);
  }

  /**
   * Ends the engine: it and its tensors cannot be used afterwards. The runtime takes the memory back once nothing
   * refers to the engine.
   */
  close(): void {
    this.#closed = true;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  #checkOpen(): void {
    if (this.#closed) throw new EngineError("the engine was closed");
  }
}
