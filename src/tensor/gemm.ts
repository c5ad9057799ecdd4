import type { Engine } from "../engine/engine.ts";

/** One operand: its address, and the floats from row to row of the matrix as stored. */
export interface Matrix {
  pointer: number;
  stride: number;
  transposed?: boolean;
}

/** How much room `columns` of packed panels take, in bytes: 8 columns to a panel, zeros in the last one. */
export function packedBytes(depth: number, columns: number): number {
  return 4 * depth * 8 * Math.ceil(columns / 8);
}

/**
 * C[m, n] = op(a)[m, k] · op(b)[k, n] + bias[n], or += with `accumulate`. The scratch memory is taken from the
 * arena and given back. A single row takes the matrix-vector kernel.
 */
export function gemm(
  engine: Engine,
  m: number,
  n: number,
  k: number,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  options: { accumulate?: boolean; bias?: number } = {},
): void {
  const { kernels, memory } = engine;
  const accumulate = options.accumulate ? 1 : 0;
  const bias = options.bias ?? 0;
  const bTransposed = b.transposed ? 1 : 0;
  if (m === 1 && (!a.transposed || a.stride === 1)) {
    const args = engine.args("GemvArgs", {
      n,
      k,
      x: a.pointer,
      b: b.pointer,
      bStride: b.stride,
      bTransposed,
      y: c.pointer,
      accumulate,
      bias,
    });
    engine.run(1, (part, parts) => kernels.gemv(args, part, parts));
    return;
  }
  const mark = memory.mark();
  const packed = memory.bump(packedBytes(k, n));
  const scratch = memory.bump(kernels.gemmScratchBytes());
  const args = engine.args("GemmArgs", {
    m,
    n,
    k,
    a: a.pointer,
    aStride: a.stride,
    aTransposed: a.transposed ? 1 : 0,
    b: b.pointer,
    bStride: b.stride,
    bTransposed,
    c: c.pointer,
    cStride: c.stride,
    accumulate,
    bias,
    packed,
    scratch,
  });
  engine.run(1, (part, parts) => kernels.gemmPack(args, part, parts));
  engine.run(kernels.gemmParts(m, n), (part, parts) => kernels.gemmMultiply(args, part, parts));
  memory.release(mark);
}
