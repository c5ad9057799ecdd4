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
  const tall = engine.tallTiles ? 1 : 0;
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
      tall,
    });
    engine.run("gemv", engine.parts(Math.ceil(n / 64), (n * k) / 8), args);
    return;
  }
  const mark = memory.mark();
  const packed = memory.bump(packedBytes(k, n));
  const scratchBytes = kernels.gemmScratchBytes();
  const args = engine.args(
    "GemmArgs",
    {
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
      scratch: engine.scratch(scratchBytes),
      tall,
    },
    scratchBytes,
  );
  engine.run("gemmPack", engine.parts(Math.ceil(n / 32), 0.3 * n * k), args);
  // A grid of blocks, whose number is not ours to choose: too little work stays here, block by block.
  const parts = kernels.gemmParts(m, n);
  if (engine.parts(parts, (m * n * k) / 25) > 1) engine.run("gemmMultiply", parts, args);
  else for (let part = 0; part < parts; part++) kernels.gemmMultiply(args, part, parts);
  memory.release(mark);
}
