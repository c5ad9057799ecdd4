/**
 * Kernels that several operations use, with their split: into how many parts depends on the sizes alone. Times are
 * those of one 4 GHz core, roughly.
 */
import type { Engine } from "../engine/engine.ts";
import { BINARY, CHUNK, SUM_BLOCK } from "../engine/kernels.ts";
import type { Runner } from "../engine/runner.ts";

/** Parts of an element-wise kernel over `count` floats. */
export function elementParts(engine: Engine, count: number, nanoseconds = 0.3): number {
  return engine.parts(Math.ceil(count / CHUNK), nanoseconds * count);
}

/** Parts of a kernel that is split by rows, `grain` of them at least in one. */
export function rowParts(
  engine: Engine,
  rows: number,
  columns: number,
  grain: number,
  nanoseconds = 0.3,
): number {
  return engine.parts(Math.ceil(rows / grain), nanoseconds * rows * columns);
}

/** y[count] += factor · x[count] */
export function accumulate(engine: Engine, y: number, x: number, factor: number, count: number): void {
  engine.run("accumulate", elementParts(engine, count), y, x, factor, count);
}

/** y = a + b or a × b, all [rows, columns]; with bStride 0 b is one row for all. */
export function binary(
  engine: Engine,
  kind: keyof typeof BINARY,
  a: number,
  b: number,
  bStride: number,
  y: number,
  rows: number,
  columns: number,
): void {
  const parts = bStride ? elementParts(engine, rows * columns) : rowParts(engine, rows, columns, 1);
  engine.run("binary", parts, BINARY[kind], a, b, bStride, y, rows, columns);
}

/** y += a ⊙ b, likewise. */
export function multiplyAdd(
  engine: Engine,
  a: number,
  b: number,
  bStride: number,
  y: number,
  rows: number,
  columns: number,
): void {
  const parts = bStride ? elementParts(engine, rows * columns) : rowParts(engine, rows, columns, 1);
  engine.run("multiplyAdd", parts, a, b, bStride, y, rows, columns);
}

/** y[columns] += Σ of the rows of x, which are `stride` floats apart, weighted where `weights` is not 0. */
export function addColumnSums(
  engine: Engine,
  y: number,
  x: number,
  weights: number,
  rows: number,
  columns: number,
  stride: number,
): void {
  const parts = engine.parts(Math.ceil(columns / 16), 0.15 * rows * columns);
  engine.run("columnSums", parts, y, x, weights, rows, columns, stride);
}

/** Copies `count` floats. */
export function copy({ memory }: Runner, target: number, source: number, count: number): void {
  memory.f32.copyWithin(target >>> 2, source >>> 2, (source >>> 2) + count);
}

/** Copies or adds rows of `columns` floats between two matrices. */
export function copyRows(
  engine: Engine,
  target: { pointer: number; stride: number },
  source: { pointer: number; stride: number },
  rows: number,
  columns: number,
  add: boolean,
): void {
  const parts = rowParts(engine, rows, columns, 1);
  const [to, from] = [target, source];
  engine.run(
    "moveRows",
    parts,
    to.pointer,
    0,
    to.stride,
    from.pointer,
    0,
    from.stride,
    rows,
    columns,
    add ? 1 : 0,
  );
}

/** Σ x or Σ x² of `count` floats, in f64. */
export function total(engine: Engine, kernel: "sum" | "sumOfSquares", x: number, count: number): number {
  const { memory } = engine;
  const blocks = Math.ceil(count / SUM_BLOCK);
  const mark = memory.mark();
  const sums = memory.bump(8 * blocks);
  engine.run(kernel, engine.parts(blocks, (kernel === "sum" ? 1 : 0.3) * count), x, count, sums);
  const result = engine.kernels.addUp(sums, blocks);
  memory.release(mark);
  return result;
}
