import { EngineError } from "../errors.ts";

const PAGE = 65536;
const ALIGNMENT = 64;

/**
 * One linear memory in two regions. Below: what lives until it is freed (parameters, gradients, optimizer state),
 * first fit among the holes. Above: the step arena, a bump pointer that goes back to its start when a step ends.
 *
 *   | module | persistent … holes … | arena →            | free |
 *                                   ^ top                ^ cursor
 *
 * The persistent region may grow only while the arena is empty, since the arena starts where it ends.
 */
export class Memory {
  readonly #memory: WebAssembly.Memory;
  readonly #base: number;
  readonly #holes: { at: number; bytes: number }[] = [];
  readonly #sizes = new Map<number, number>();
  #top: number;
  #cursor: number;
  #end = 0;
  #f32!: Float32Array;
  #i32!: Int32Array;

  constructor(memory: WebAssembly.Memory, base: number) {
    this.#memory = memory;
    this.#base = align(base);
    this.#top = this.#base;
    this.#cursor = this.#base;
    this.#refresh();
  }

  /** The whole memory as floats. Growth replaces it: read it again after every allocation. */
  get f32(): Float32Array {
    return this.#f32;
  }

  get i32(): Int32Array {
    return this.#i32;
  }

  /** Bytes of linear memory that the runtime has handed out. */
  get bytes(): number {
    return this.#end;
  }

  /** Bytes taken by what lives until it is freed. */
  get persistentBytes(): number {
    let sum = 0;
    for (const bytes of this.#sizes.values()) sum += bytes;
    return sum;
  }

  /** Where that lies. */
  allocated(): Iterable<number> {
    return this.#sizes.keys();
  }

  /**
   * Allocates zeroed bytes that live until `free`.
   * @throws EngineError while the arena, which begins behind them, holds something.
   */
  allocate(bytes: number): number {
    if (this.#cursor !== this.#top) throw new EngineError("memory is taken between steps");
    const size = align(Math.max(bytes, 4));
    let at: number;
    const index = this.#holes.findIndex((hole) => hole.bytes >= size);
    if (index >= 0) {
      const hole = this.#holes[index];
      at = hole.at;
      hole.at += size;
      hole.bytes -= size;
      if (hole.bytes === 0) this.#holes.splice(index, 1);
    } else {
      at = this.#top;
      this.#reserve(at + size, size);
      this.#top += size;
      this.#cursor = this.#top;
    }
    this.#sizes.set(at, size);
    this.f32.fill(0, at >>> 2, (at + size) >>> 2);
    return at;
  }

  free(at: number): void {
    const size = this.#sizes.get(at);
    if (size === undefined) return;
    this.#sizes.delete(at);
    this.#holes.push({ at, bytes: size });
    this.#holes.sort((a, b) => a.at - b.at);
    for (let i = this.#holes.length - 1; i > 0; i--) {
      const hole = this.#holes[i];
      const before = this.#holes[i - 1];
      if (before.at + before.bytes === hole.at) {
        before.bytes += hole.bytes;
        this.#holes.splice(i, 1);
      }
    }
    if (this.#cursor === this.#top) this.reset();
  }

  /** Takes bytes from the arena; their content is undefined. */
  bump(bytes: number): number {
    const at = this.#cursor;
    const size = align(bytes);
    this.#reserve(at + size, size);
    this.#cursor = at + size;
    return at;
  }

  /** Empties the arena, which then begins where the last of what lives on ends. */
  reset(): void {
    const last = this.#holes.at(-1);
    if (last && last.at + last.bytes === this.#top) {
      this.#top = last.at;
      this.#holes.pop();
    }
    this.#cursor = this.#top;
  }

  /** A place in the arena to go back to with `release`: for scratch that one kernel call needs. */
  mark(): number {
    return this.#cursor;
  }

  release(mark: number): void {
    this.#cursor = mark;
  }

  /** Of the memory as it is now: nothing else makes it grow. Growth of a shared memory makes a new, longer buffer too. */
  #refresh(): void {
    const { buffer } = this.#memory;
    this.#end = buffer.byteLength;
    this.#f32 = new Float32Array(buffer);
    this.#i32 = new Int32Array(buffer);
  }

  #reserve(end: number, asked: number): void {
    const have = this.#end;
    if (end <= have) return;
    // Grow by a quarter at a time, so that a step that needs more and more doesn't grow page by page.
    const wanted = Math.max(end, have + have / 4);
    for (const target of [wanted, end]) {
      try {
        this.#memory.grow(Math.ceil((target - have) / PAGE));
        this.#refresh();
        return;
      } catch {
        // The smaller one is tried next.
      }
    }
    throw new EngineError(
      `out of memory: ${format(asked)} were asked for on top of ${format(end - asked - this.#base)} in use, and the ` +
        `${format(have)} there are cannot grow so far; a smaller batch, sequence length or model would fit`,
    );
  }
}

/** Rounded up to whole cache lines. */
export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function format(bytes: number): string {
  return bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(1)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
}
