import type { Engine } from "../engine/engine.ts";
import { GemmArgs, GemvArgs } from "../engine/layouts.ts";
import { type Matrix, packPanels } from "./panels.ts";
import { Parameter } from "./tensor.ts";

/**
 * C[m, n] = op(a)[m, k] · op(b)[k, n] + bias[n], or += with `accumulate`. The scratch memory is taken from the
 * arena and given back. A single row takes the matrix-vector kernel: in `engine.infer()` on a parameter's panels, where
 * those are faster (assembly/matmul/gemv.ts), else on the matrix as it lies.
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
  if (m === 1 && (!a.transposed || a.stride === 1)) {
    const mark = memory.mark();
    const args = engine.args(GemvArgs, {
      n,
      k,
      x: a.pointer,
      b: b.pointer,
      bStride: b.stride,
      bTransposed: b.transposed ? 1 : 0,
      y: c.pointer,
      accumulate,
      bias,
      packed:
        engine.tallTiles && engine.isInferring && b.tensor instanceof Parameter
          ? packPanels(engine, b, k, n, m)
          : 0,
    });
    engine.run("gemv", engine.parts(Math.ceil(n / 64), (n * k) / 8), args);
    memory.release(mark);
    return;
  }
  const mark = memory.mark();
  const packed = packPanels(engine, b, k, n, m);
  const scratchBytes = kernels.gemmScratchBytes();
  const args = engine.args(
    GemmArgs,
    {
      m,
      n,
      k,
      a: a.pointer,
      aStride: a.stride,
      aTransposed: a.transposed ? 1 : 0,
      packed,
      c: c.pointer,
      cStride: c.stride,
      accumulate,
      bias,
      scratch: engine.scratch(scratchBytes),
      tall: engine.tallTiles ? 1 : 0,
    },
    scratchBytes,
  );
  // A grid of blocks, whose number is not ours to choose: too little work stays here, block by block.
  const parts = kernels.gemmParts(m, n);
  if (engine.parts(parts, (m * n * k) / 25) > 1) engine.run("gemmMultiply", parts, args);
  else for (let part = 0; part < parts; part++) kernels.gemmMultiply(args, part, parts);
  memory.release(mark);
}
