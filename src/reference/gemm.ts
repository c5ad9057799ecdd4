/**
 * Matrix multiplication in plain TypeScript: packed panels, cache blocks and a register tile, as in a BLAS, but
 * with scalar arithmetic. It is what the WebAssembly kernels are tested against and, since a slow baseline
 * would flatter them, it is as fast as we know how to make JavaScript. The structure is that of Goto & van de
 * Geijn, "Anatomy of high-performance matrix multiplication", 2008.
 *
 * Panels are Float64Array: V8 has no single-precision arithmetic, so f32 operands would be converted again at
 * every use. Sums are kept in double over at most `depthBlock` products, then rounded into the f32 result.
 */

/** The register tile. 4×2 leaves V8 enough of x64's 16 registers for operands; 4×4 spills and is slower. */
const tileRows = 4;
const tileColumns = 2;
/** One tile's two panels (16 KiB + 8 KiB) stay in the first-level cache. */
const depthBlock = 512;
/** A block of left panels (256 KiB) stays in the second-level cache. */
const rowBlock = 64;

/** A right operand [K, N] in panels of two columns: block by block of the depth, each panel [depth, 2]. */
export interface PackedRight {
  readonly K: number;
  readonly N: number;
  readonly panels: Float64Array;
}

const leftScratch = new Float64Array(rowBlock * depthBlock);
let rightScratch = new Float64Array(0);

/**
 * C[M,N] = op(A)[M,K] · op(B)[K,N], or C += with `accumulate`. All row-major and dense: A is stored [M,K], or
 * [K,M] with `transA`; B is stored [K,N], or [N,K] with `transB`.
 */
export function gemm(
  transA: boolean,
  transB: boolean,
  M: number,
  N: number,
  K: number,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  accumulate = false,
): void {
  const size = packedSize(K, N);
  if (rightScratch.length < size) rightScratch = new Float64Array(size);
  const right = packRight(transB, K, N, b, rightScratch);
  gemmPacked(transA, M, right, a, transA ? M : K, c, N, accumulate);
}

/** Packs B (stored [K,N], or [N,K] with `transB`) once for many products, into `panels` if given. */
export function packRight(
  transB: boolean,
  K: number,
  N: number,
  b: Float32Array,
  panels = new Float64Array(packedSize(K, N)),
): PackedRight {
  const strideK = transB ? 1 : N;
  const strideN = transB ? K : 1;
  let at = 0;
  for (let k0 = 0; k0 < K; k0 += depthBlock) {
    const depth = Math.min(depthBlock, K - k0);
    for (let n = 0; n < N; n += tileColumns) {
      const paired = n + 1 < N;
      let from = k0 * strideK + n * strideN;
      for (let k = 0; k < depth; k++) {
        panels[at] = b[from];
        panels[at + 1] = paired ? b[from + strideN] : 0;
        at += tileColumns;
        from += strideK;
      }
    }
  }
  return { K, N, panels };
}

/**
 * C (+)= op(A) · B with B packed. `lda` and `ldc` are the distances between stored rows of A and of C, so that
 * a block of columns can be read or written in place: pass a subarray that starts at its first element.
 */
export function gemmPacked(
  transA: boolean,
  M: number,
  right: PackedRight,
  a: Float32Array,
  lda: number,
  c: Float32Array,
  ldc: number,
  accumulate = false,
): void {
  const { K, N, panels } = right;
  if (!accumulate) for (let m = 0; m < M; m++) c.fill(0, m * ldc, m * ldc + N);
  const panelColumns = Math.ceil(N / tileColumns) * tileColumns;
  for (let k0 = 0; k0 < K; k0 += depthBlock) {
    const depth = Math.min(depthBlock, K - k0);
    for (let m0 = 0; m0 < M; m0 += rowBlock) {
      const rows = Math.min(rowBlock, M - m0);
      packLeft(transA, m0, rows, k0, depth, a, lda);
      for (let n = 0; n < N; n += tileColumns) {
        const panel = k0 * panelColumns + n * depth;
        const paired = n + 1 < N;
        let m = 0;
        for (; m + tileRows <= rows; m += tileRows) {
          tile4x2(leftScratch, m * depth, panels, panel, depth, c, (m0 + m) * ldc + n, ldc, paired);
        }
        const leftPanel = m * depth;
        for (; m < rows; m++) {
          const left = leftPanel + (m % tileRows);
          tile1x2(leftScratch, left, panels, panel, depth, c, (m0 + m) * ldc + n, paired);
        }
      }
    }
  }
}

function packedSize(K: number, N: number): number {
  return Math.ceil(N / tileColumns) * tileColumns * K;
}

/** Left panels: [depth, 4] for every four rows. The last panel's missing rows are never read, so not written. */
function packLeft(
  transA: boolean,
  m0: number,
  rows: number,
  k0: number,
  depth: number,
  a: Float32Array,
  lda: number,
): void {
  const strideM = transA ? 1 : lda;
  const strideK = transA ? lda : 1;
  for (let m = 0; m < rows; m += tileRows) {
    const height = Math.min(tileRows, rows - m);
    const panel = m * depth;
    const from = (m0 + m) * strideM + k0 * strideK;
    if (height === tileRows) packFourRows(a, from, strideM, strideK, depth, panel);
    else {
      for (let r = 0; r < height; r++) {
        for (let k = 0; k < depth; k++) {
          leftScratch[panel + k * tileRows + r] = a[from + r * strideM + k * strideK];
        }
      }
    }
  }
}

function packFourRows(
  a: Float32Array,
  from: number,
  strideM: number,
  strideK: number,
  depth: number,
  panel: number,
): void {
  const left = leftScratch;
  let at = panel;
  let source = from;
  for (let k = 0; k < depth; k++) {
    left[at] = a[source];
    left[at + 1] = a[source + strideM];
    left[at + 2] = a[source + 2 * strideM];
    left[at + 3] = a[source + 3 * strideM];
    at += tileRows;
    source += strideK;
  }
}

/** C[4,2] += left panel · right panel. `| 0` tells V8 that an index cannot overflow, which spares a check. */
function tile4x2(
  left: Float64Array,
  leftAt: number,
  right: Float64Array,
  rightAt: number,
  depth: number,
  c: Float32Array,
  at: number,
  ldc: number,
  paired: boolean,
): void {
  let i = leftAt | 0;
  let j = rightAt | 0;
  const end = (i + depth * tileRows) | 0;
  let c00 = 0;
  let c01 = 0;
  let c10 = 0;
  let c11 = 0;
  let c20 = 0;
  let c21 = 0;
  let c30 = 0;
  let c31 = 0;
  while (i < end) {
    const b0 = right[j];
    const b1 = right[(j + 1) | 0];
    const a0 = left[i];
    c00 += a0 * b0;
    c01 += a0 * b1;
    const a1 = left[(i + 1) | 0];
    c10 += a1 * b0;
    c11 += a1 * b1;
    const a2 = left[(i + 2) | 0];
    c20 += a2 * b0;
    c21 += a2 * b1;
    const a3 = left[(i + 3) | 0];
    c30 += a3 * b0;
    c31 += a3 * b1;
    i = (i + tileRows) | 0;
    j = (j + tileColumns) | 0;
  }
  c[at] += c00;
  c[at + ldc] += c10;
  c[at + 2 * ldc] += c20;
  c[at + 3 * ldc] += c30;
  if (!paired) return;
  c[at + 1] += c01;
  c[at + ldc + 1] += c11;
  c[at + 2 * ldc + 1] += c21;
  c[at + 3 * ldc + 1] += c31;
}

/** C[1,2] += one row of a left panel · right panel: the rows that do not fill a tile. */
function tile1x2(
  left: Float64Array,
  leftAt: number,
  right: Float64Array,
  rightAt: number,
  depth: number,
  c: Float32Array,
  at: number,
  paired: boolean,
): void {
  let i = leftAt | 0;
  let j = rightAt | 0;
  const end = (j + depth * tileColumns) | 0;
  let c0 = 0;
  let c1 = 0;
  while (j < end) {
    const a0 = left[i];
    c0 += a0 * right[j];
    c1 += a0 * right[(j + 1) | 0];
    i = (i + tileRows) | 0;
    j = (j + tileColumns) | 0;
  }
  c[at] += c0;
  if (paired) c[at + 1] += c1;
}
