/**
 * The kernels whose work can be split: each call does one part of it, `part` from 0 to `parts` − 1, and the parts may
 * run in any order and at the same time (see `Engine.run`). Pointers and counts are i32. What each one computes is said
 * where it is written, in assembly/.
 */
export interface SplitKernels {
  packPanels(
    target: number,
    source: number,
    stride: number,
    transposed: number,
    depth: number,
    columns: number,
    part: number,
    parts: number,
  ): void;
  gemmMultiply(args: number, part: number, parts: number): void;
  gemv(args: number, part: number, parts: number): void;
  rnnForward(args: number, part: number, parts: number): void;
  rnnBackward(args: number, part: number, parts: number): void;
  lstmForward(args: number, part: number, parts: number): void;
  lstmBackward(args: number, part: number, parts: number): void;
  gruForward(args: number, part: number, parts: number): void;
  gruBackward(args: number, part: number, parts: number): void;
  unary(kind: number, x: number, y: number, count: number, part: number, parts: number): void;
  derive(
    kind: number,
    value: number,
    dy: number,
    dx: number,
    count: number,
    part: number,
    parts: number,
  ): void;
  binary(
    kind: number,
    a: number,
    b: number,
    bStride: number,
    y: number,
    rows: number,
    columns: number,
    part: number,
    parts: number,
  ): void;
  accumulate(y: number, x: number, scale: number, count: number, part: number, parts: number): void;
  multiplyAdd(
    a: number,
    b: number,
    bStride: number,
    y: number,
    rows: number,
    columns: number,
    part: number,
    parts: number,
  ): void;
  moveRows(
    target: number,
    targetRows: number,
    targetStride: number,
    source: number,
    sourceRows: number,
    sourceStride: number,
    count: number,
    size: number,
    add: number,
    part: number,
    parts: number,
  ): void;
  embeddingBackward(
    dTable: number,
    ids: number,
    dy: number,
    count: number,
    size: number,
    part: number,
    parts: number,
  ): void;
  softmaxForward(x: number, y: number, rows: number, columns: number, part: number, parts: number): void;
  softmaxBackward(
    y: number,
    dy: number,
    dx: number,
    rows: number,
    columns: number,
    part: number,
    parts: number,
  ): void;
  crossEntropyForward(
    x: number,
    targets: number,
    ignore: number,
    losses: number,
    normalizers: number,
    rows: number,
    columns: number,
    part: number,
    parts: number,
  ): void;
  crossEntropyBackward(
    x: number,
    targets: number,
    ignore: number,
    normalizers: number,
    scale: number,
    dx: number,
    rows: number,
    columns: number,
    part: number,
    parts: number,
  ): void;
  layerNormForward(args: number, part: number, parts: number): void;
  layerNormBackward(args: number, part: number, parts: number): void;
  layerNormBackwardWeight(args: number, part: number, parts: number): void;
  randomUniform(args: number, part: number, parts: number): void;
  randomNormal(args: number, part: number, parts: number): void;
  dropoutMask(args: number, part: number, parts: number): void;
  sgdStep(args: number, part: number, parts: number): void;
  rmspropStep(args: number, part: number, parts: number): void;
  adamStep(args: number, part: number, parts: number): void;
  columnSums(
    y: number,
    x: number,
    weights: number,
    rows: number,
    columns: number,
    stride: number,
    part: number,
    parts: number,
  ): void;
  clamp(x: number, limit: number, count: number, part: number, parts: number): void;
  sum(x: number, count: number, sums: number, part: number, parts: number): void;
  sumOfSquares(x: number, count: number, sums: number, part: number, parts: number): void;
  fill(target: number, value: number, count: number, part: number, parts: number): void;
}

/** All functions that a build exports, as the host sees them. */
export interface Kernels extends SplitKernels {
  gemmParts(m: number, n: number): number;
  gemmScratchBytes(): number;
  philox(target: number, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void;
  cosine(x: number): number;
  madds(chains: number, count: number): number;
  wideMadds(chains: number, count: number, target: number): void;
  tileFour(a: number, b: number, c: number, stride: number, depth: number, fresh: number): void;
  addUp(sums: number, count: number): number;
}

export type SplitKernel = keyof SplitKernels;
/** What a kernel takes besides `part, parts`. */
export type ArgumentsOf<K extends SplitKernel> =
  Parameters<SplitKernels[K]> extends [...infer A extends number[], number, number] ? A : never;

/** The codes of elementwise.ts. */
export const UNARY = { exp: 0, log: 1, tanh: 2, sigmoid: 3, relu: 4 } as const;
export const BINARY = { add: 0, mul: 1 } as const;
/** Floats that element-wise kernels do not split. */
export const CHUNK = 16384;
/** Floats in a block of reduce.ts, each of which leaves a sum. */
export const SUM_BLOCK = 16384;
