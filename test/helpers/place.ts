import type { Engine } from "../../src/engine/engine.ts";

const GUARD = 16;
/** A NaN that no arithmetic makes: what reads it shows, and so does what overwrites it. */
const CANARY = 0x7fedcba9;

/** An array in the arena, with canaries on both sides. */
export interface Placed {
  readonly pointer: number;
  /** What lies there now. @throws Error if a canary was overwritten. */
  read(): Float32Array;
}

/** Copies `data` (or as many undefined floats, all NaN) into the arena. Only in `engine.infer` or `engine.step`. */
export function place(engine: Engine, data: Float32Array | number): Placed {
  const { memory } = engine;
  const size = typeof data === "number" ? data : data.length;
  const start = memory.bump(4 * (size + 2 * GUARD)) >> 2;
  const from = start + GUARD;
  memory.i32.fill(CANARY, start, from + size + GUARD);
  if (typeof data !== "number") memory.f32.set(data, from);
  return {
    pointer: 4 * from,
    read() {
      const { f32, i32 } = memory;
      for (let i = 1; i <= GUARD; i++) {
        if (i32[from - i] !== CANARY) throw new Error(`written ${i} floats before an array of ${size}`);
        if (i32[from + size + i - 1] !== CANARY)
          throw new Error(`written ${i} floats past an array of ${size}`);
      }
      return f32.slice(from, from + size);
    },
  };
}

/** Likewise for 32-bit integers. */
export function placeIds(engine: Engine, ids: Int32Array): Placed {
  return place(engine, new Float32Array(ids.buffer, ids.byteOffset, ids.length));
}

/** Makes the part of the arena that a kernel will take next NaN, so that reading what it did not write shows. */
export function poison(engine: Engine, floats: number): void {
  const { memory } = engine;
  const mark = memory.mark();
  memory.bump(4 * floats);
  memory.i32.fill(CANARY, mark >> 2, (mark >> 2) + floats);
  memory.release(mark);
}

/** Runs all parts of a kernel, the last one first. */
export function runReversed(parts: number, kernel: (part: number, parts: number) => void): void {
  for (let part = parts - 1; part >= 0; part--) kernel(part, parts);
}
