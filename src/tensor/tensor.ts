import type { Engine } from "../engine/engine.ts";
import { EngineError, ShapeError } from "../errors.ts";

export type DType = "f32" | "i32";

/** The number of elements of a shape; 1 for []. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}

/** @throws ShapeError unless every dimension is a positive integer and, where given, the size is `length`. */
export function checkShape(where: string, shape: readonly number[], length?: number): void {
  if (!shape.every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new ShapeError(`${where}: expected a shape of positive integers, got [${shape}]`);
  }
  if (length !== undefined && sizeOf(shape) !== length) {
    throw new ShapeError(
      `${where}: expected ${sizeOf(shape)} elements for the shape [${shape}], got ${length}`,
    );
  }
}

/**
 * A row-major array of f32 (or i32 for ids) in the engine's memory. Made in a step, as by all operations, it ends with
 * the step; made outside, by `engine.tensor`, `ids` or `zeros`, it lives until `free()`.
 */
export class Tensor {
  readonly engine: Engine;
  readonly shape: readonly number[];
  /** The number of elements. */
  readonly size: number;
  readonly dtype: DType;
  /** What made it: for messages. */
  readonly name: string;
  /** Whether a gradient flows back through it. */
  requiresGrad = false;
  #pointer: number;
  #stepId: number | undefined;
  #gradient: Tensor | undefined;
  #freed = false;
  /** A view shares its base's data and gradient. */
  readonly #base: { tensor: Tensor; offset: number } | undefined;

  constructor(
    engine: Engine,
    pointer: number,
    shape: readonly number[],
    dtype: DType,
    name: string,
    stepId: number | undefined,
    base?: { tensor: Tensor; offset: number },
  ) {
    this.engine = engine;
    this.shape = shape;
    this.size = sizeOf(shape);
    this.dtype = dtype;
    this.name = name;
    this.#pointer = pointer;
    this.#stepId = stepId;
    this.#base = base;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Byte address of the first element. */
  get pointer(): number {
    return this.#pointer;
  }

  /** The step whose arena holds it, or undefined if it lives until it is freed. */
  get stepId(): number | undefined {
    return this.#stepId;
  }

  get isAlive(): boolean {
    if (this.#freed || this.engine.isClosed) return false;
    if (this.#base && !this.#base.tensor.isAlive) return false;
    return this.#stepId === undefined || this.#stepId === this.engine.currentStep;
  }

  /** Whether its memory is its own to give up: a view's and a parameter's are not. */
  get isOwner(): boolean {
    return !this.#base && !(this instanceof Parameter);
  }

  /** A copy of the elements, row-major. */
  toArray(): Float32Array | Int32Array {
    const start = this.engine.use(this) >>> 2;
    const heap = this.dtype === "f32" ? this.engine.memory.f32 : this.engine.memory.i32;
    return heap.slice(start, start + this.size);
  }

  /** The one element of a tensor of size 1. @throws ShapeError if it has more. */
  item(): number {
    if (this.size !== 1) throw new ShapeError(`item(): expected a tensor of one element, got ${this}`);
    return this.toArray()[0];
  }

  /** Overwrites the elements. @throws ShapeError if the length differs. */
  set(data: ArrayLike<number>): void {
    if (data.length !== this.size) {
      throw new ShapeError(`set: expected ${this.size} elements for ${this}, got ${data.length}`);
    }
    const heap = this.dtype === "f32" ? this.engine.memory.f32 : this.engine.memory.i32;
    heap.set(data, this.engine.use(this) >>> 2);
    const owner = this.#base?.tensor ?? this;
    if (owner instanceof Parameter) owner.changed();
  }

  /** The same elements under another shape, or (with `offset`) a run of them. Shares data and gradient. */
  view(shape: readonly number[], offset = 0): Tensor {
    checkShape("view", shape);
    if (offset < 0 || offset + sizeOf(shape) > this.size) {
      throw new ShapeError(`view: [${shape}] from element ${offset} does not fit into ${this}`);
    }
    const base = this.#base
      ? { tensor: this.#base.tensor, offset: this.#base.offset + offset }
      : { tensor: this, offset };
    const pointer = this.#pointer + 4 * offset;
    const view = new Tensor(this.engine, pointer, shape, this.dtype, this.name, this.#stepId, base);
    view.requiresGrad = this.requiresGrad;
    return view;
  }

  /** Whether a gradient has reached it (or its base). */
  get hasGradient(): boolean {
    return this.#base ? this.#base.tensor.hasGradient : this.#gradient?.isAlive === true;
  }

  /**
   * dL/d(this), of the same shape; zeros until something is added. A parameter's lives as long as the parameter, that of
   * another tensor until the step ends in which it was made.
   * @throws EngineError between steps, unless it is a parameter's.
   */
  get gradient(): Tensor {
    if (this.#base) return this.#base.tensor.gradient.view(this.shape, this.#base.offset);
    if (this.#gradient?.isAlive) return this.#gradient;
    this.engine.use(this);
    if (this.engine.isIdle && !(this instanceof Parameter)) {
      throw new EngineError(`the gradient of ${this} ends with its step: read it inside engine.step()`);
    }
    this.#gradient = this.engine.zeros(this.shape);
    return this.#gradient;
  }

  /**
   * Runs the tape backward from this tensor, a scalar: every parameter's gradient receives (+=) its dL/dp. Once in a step:
   * several losses are added up first.
   * @throws EngineError outside engine.step(), a second time in one, or if nothing that it was made of requires a
   *   gradient; ShapeError if it is not a scalar.
   */
  backward(): void {
    this.engine.use(this);
    const tape = this.engine.tape;
    if (!tape)
      throw new EngineError("backward() needs the tape of engine.step(() => …), which is not running");
    if (this.size !== 1) throw new ShapeError(`backward(): expected a loss of one element, got ${this}`);
    if (!this.requiresGrad) {
      throw new EngineError(`backward(): nothing that ${this} was made of requires a gradient`);
    }
    this.gradient.set([1]);
    tape.backward();
  }

  /** Gives its memory back. Only for tensors made outside a step or kept from one; a view has none of its own. */
  free(): void {
    if (this.#stepId !== undefined || this.#freed || this.#base) return;
    this.engine.memory.free(this.surrender());
  }

  /** Ends this tensor and hands over its memory. */
  surrender(): number {
    this.#freed = true;
    return this.#pointer;
  }

  /** Moves a kept tensor to where it lives from now on. */
  settle(pointer: number): void {
    this.#pointer = pointer;
    this.#stepId = undefined;
  }

  toString(): string {
    return `${this.name} [${this.shape}]`;
  }
}

/** Memory that holds what was made of parameters, or none yet. */
export interface Derived {
  pointer?: number;
  sources?: readonly Parameter[];
}

/** A tensor that training changes: it lives until freed, keeps its gradient, and has a name in its module. */
export class Parameter extends Tensor {
  /** What is made of it for inference, alone or with others: see derived.ts. */
  readonly derived = new Map<unknown, Derived>();
  /** What holds only while it stays as it is: of `derived`, its own and other parameters', what has been made. */
  readonly dependents = new Set<Derived>();
  /** How often `changed` was called. */
  version = 0;

  /** Zero-filled; see init.ts for what fills it. @throws EngineError inside a step. */
  constructor(engine: Engine, shape: readonly number[], name = "parameter") {
    checkShape(name, shape);
    super(engine, engine.allocate(sizeOf(shape)), shape, "f32", name, undefined);
    this.requiresGrad = true;
    // Allocated here, since nothing that lives on can be allocated inside a step.
    void this.gradient;
  }

  /** @throws EngineError if it was freed. */
  zeroGradient(): void {
    this.engine.fill(this.engine.use(this.gradient), 0, this.size);
  }

  /** Frees what was made of it. To be called by whoever writes to its memory: an optimizer of one's own. */
  changed(): void {
    this.version++;
    for (const entry of this.dependents) {
      if (entry.pointer) this.engine.memory.free(entry.pointer);
      entry.pointer = undefined;
      for (const source of entry.sources ?? []) source.dependents.delete(entry);
    }
    this.derived.clear();
  }

  override free(): void {
    if (!this.isAlive) return;
    this.gradient.free();
    this.changed();
    super.free();
  }
}
