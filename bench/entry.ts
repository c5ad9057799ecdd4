import type { Engine } from "../src/engine/engine.ts";

/** One benchmark: the same work for the engine, in any build, and for the plain-TypeScript reference. */
export interface Entry {
  name: string;
  unit: "GFLOP/s" | "ns/element" | "ns/token" | "ms/step";
  /** Of its matmuls, one call: what `ofPeak` relates to the peak. */
  flops?: number;
  /** The figure to print for a call that takes so long. */
  figure(milliseconds: number): number;
  /** Makes the operands and returns the work to time. */
  onEngine(engine: Engine): () => void;
  /** Left out where the reference would take too long. */
  onReference?(): () => void;
}

/** Billions of floating-point operations a second. */
export function gigaflops(flops: number, milliseconds: number): number {
  return flops / (milliseconds * 1e6);
}

/** Numbers in [−1, 1) that look random and are the same in every run. */
export function noise(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 0) / 2 ** 31 - 1);
}
