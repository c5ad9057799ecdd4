import type { Engine } from "../src/engine/engine.ts";

/** A call whose time is taken. One that returns a promise is over when that is. */
export type Work = () => unknown;

/** One benchmark: the same work for the engine, in any build, and for the plain-TypeScript reference. */
export interface Entry {
  /** What filters look at, and what the JSON output says: `W1/train-lstm`. */
  name: string;
  /** What tables say. */
  title: string;
  unit: "GFLOP/s" | "GB/s" | "ns/element" | "ns/token" | "ms";
  /** Of its matmuls, one call: what `ofPeak` relates to the peak. */
  flops?: number;
  /** What one call has to move between the arithmetic and caches or memory, roughly. */
  bytes?: number;
  /** Only in the fastest build, for what is of interest in one and takes long. */
  fastestOnly?: boolean;
  /** The figure to print for a call that takes so long. */
  figure(milliseconds: number): number;
  /** Makes the operands and returns the work to time. */
  onEngine(engine: Engine): Work;
  /** Left out where the reference has nothing to say. */
  onReference?(): Work;
}

/** Billions of floating-point operations, or bytes, a second. */
export function perNanosecond(count: number, milliseconds: number): number {
  return count / (milliseconds * 1e6);
}

/** Numbers in [−scale, scale) that look random and are the same in every run. */
export function noise(count: number, scale = 1): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => scale * ((Math.imul(i + 1, 0x9e3779b1) >>> 0) / 2 ** 31 - 1),
  );
}
