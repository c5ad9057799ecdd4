// Matrix times vector: the batch of one.
//
//   y[N] = op(B)ᵀ[N, K] · x[K]  (+ bias[N], or + y where accumulate is set)
//
// B as in gemm.ts: stored [N, K] if transposed (a layer's weights: rows are dotted with x), else [K, N] (rows are scaled
// and added); or in panels, where weights are kept in them (src/tensor/panels.ts) and the runtime holds eight sums in
// registers beside what they are made of. Split by groups of 16 outputs. It reads each weight once: 1 MiB of them, out of
// the second-level cache, at 105 GB/s from panels and 75 from where they lie (Zen 5, Node 24: two loads of 16 bytes a cycle
// would be 125); on Node 20 and 22, which spill, at 42 and 75. In the wide build pairs of panel columns are joined.
// From panels, bits are those of a row in gemm.ts.

import { loadTail, loadUpTo4, madd, partStart, storePair, storeUpTo4, sumFour, WIDE } from "../simd";
import { DEPTH_BLOCK, panelAddress } from "./pack";
import { TILE_COLUMNS } from "./tile";

@unmanaged
export class GemvArgs {
  n: i32;
  k: i32;
  x: usize;
  b: usize;
  bStride: i32;
  bTransposed: i32;
  y: usize;
  accumulate: i32;
  bias: usize;
  /** B in panels, as packPanels leaves it: then b is not read; or 0. */
  packed: usize;
}

/** Whole panels in any build. */
const GRAIN: i32 = 16;

export function gemv(args: GemvArgs, part: i32, parts: i32): void {
  const from = partStart(args.n, GRAIN, part, parts);
  const to = partStart(args.n, GRAIN, part + 1, parts);
  if (to <= from) return;
  const bytes = <usize>(to - from) << 2;
  const y = args.y + (<usize>from << 2);
  if (!args.accumulate) {
    if (args.bias) memory.copy(y, args.bias + (<usize>from << 2), bytes);
    else memory.fill(y, 0, bytes);
  }
  // The build that only runs models keeps no panels.
  if (!isDefined(INFER) && args.packed) {
    gemvPanels(args.packed, args.k, args.n, args.x, args.y, from / TILE_COLUMNS, (to + TILE_COLUMNS - 1) / TILE_COLUMNS);
    return;
  }
  const stride = <usize>args.bStride << 2;
  if (args.bTransposed) gemvRows(args.b + <usize>from * stride, stride, args.x, args.k, y, to - from);
  else gemvColumns(args.b + (<usize>from << 2), stride, args.x, args.k, y, to - from);
}

/** y[rows] += B[rows, K] · x[K] */
export function gemvRows(b: usize, stride: usize, x: usize, k: i32, y: usize, rows: i32): void {
  for (let row = 0; row < rows; row += 4, b += 4 * stride, y += 16) dotFourRows(b, stride, x, k, y, rows - row);
}

/** Of the next `left` rows the first four, or all. */
function dotFourRows(b: usize, stride: usize, x: usize, k: i32, y: usize, left: i32): void {
  // Rows past the end are computed from row 0 of the group and not stored.
  const b1 = left > 1 ? b + stride : b;
  const b2 = left > 2 ? b + 2 * stride : b;
  const b3 = left > 3 ? b + 3 * stride : b;
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  const full = <usize>(k & ~3) << 2;
  let i: usize = 0;
  for (; i < full; i += 16) {
    const v = v128.load(x + i);
    s0 = madd(v128.load(b + i), v, s0);
    s1 = madd(v128.load(b1 + i), v, s1);
    s2 = madd(v128.load(b2 + i), v, s2);
    s3 = madd(v128.load(b3 + i), v, s3);
  }
  const tail = k & 3;
  if (tail) {
    const v = loadTail(x + i, tail);
    s0 = madd(loadTail(b + i, tail), v, s0);
    s1 = madd(loadTail(b1 + i, tail), v, s1);
    s2 = madd(loadTail(b2 + i, tail), v, s2);
    s3 = madd(loadTail(b3 + i, tail), v, s3);
  }
  storeUpTo4(y, f32x4.add(loadUpTo4(y, left), sumFour(s0, s1, s2, s3)), left);
}

/**
 * y[columns of the panels `from` to `to`] += x[depth] · B[depth, those columns]. With `turn` from the last group of panels
 * to the first: who reads the same panels again and again, turning each time, first meets those that are still in the
 * cache. Where they are larger than it, that is 20 % faster (4 MiB, Zen 5). The bits are the same.
 */
export function gemvPanels(
  packed: usize, depth: i32, columns: i32, x: usize, y: usize, from: i32, to: i32, turn: bool = false,
): void {
  const groups = (min(to, columns / TILE_COLUMNS) - from) >> 2;
  for (let block = 0; block < depth; block += DEPTH_BLOCK, x += DEPTH_BLOCK * 4) {
    const blockDepth = min(DEPTH_BLOCK, depth - block);
    const panelBytes = <usize>(blockDepth * TILE_COLUMNS) << 2;
    const b = panelAddress(packed, depth, columns, block, from);
    const start = y + (<usize>(from * TILE_COLUMNS) << 2);
    for (let i = 0; i < groups; i++) {
      const panel = <usize>(4 * (turn ? groups - 1 - i : i));
      fourPanels(b + panel * panelBytes, panelBytes, x, blockDepth, start + panel * (TILE_COLUMNS * 4));
    }
    for (let panel = 4 * groups; panel < to - from; panel++) {
      const width = columns - (from + panel) * TILE_COLUMNS;
      onePanel(b + <usize>panel * panelBytes, x, blockDepth, start + <usize>panel * (TILE_COLUMNS * 4), width);
    }
  }
}

function fourPanels(b: usize, panelBytes: usize, x: usize, depth: i32, y: usize): void {
  let b1 = b + panelBytes, b2 = b1 + panelBytes, b3 = b2 + panelBytes;
  const y1 = y + TILE_COLUMNS * 4, y2 = y1 + TILE_COLUMNS * 4, y3 = y2 + TILE_COLUMNS * 4;
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00, s03 = s00;
  let s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  let s20 = s00, s21 = s00, s22 = s00, s23 = s00;
  let s30 = s00, s31 = s00, s32 = s00, s33 = s00;
  const end = b + panelBytes;
  for (; b < end; x += 4) {
    const v = v128.load32_splat(x);
    s00 = madd(v, v128.load(b), s00);
    s01 = madd(v, v128.load(b, 16), s01);
    s10 = madd(v, v128.load(b1), s10);
    s11 = madd(v, v128.load(b1, 16), s11);
    s20 = madd(v, v128.load(b2), s20);
    s21 = madd(v, v128.load(b2, 16), s21);
    s30 = madd(v, v128.load(b3), s30);
    s31 = madd(v, v128.load(b3, 16), s31);
    if (WIDE) {
      s02 = madd(v, v128.load(b, 32), s02);
      s03 = madd(v, v128.load(b, 48), s03);
      s12 = madd(v, v128.load(b1, 32), s12);
      s13 = madd(v, v128.load(b1, 48), s13);
      s22 = madd(v, v128.load(b2, 32), s22);
      s23 = madd(v, v128.load(b2, 48), s23);
      s32 = madd(v, v128.load(b3, 32), s32);
      s33 = madd(v, v128.load(b3, 48), s33);
    }
    b += TILE_COLUMNS * 4;
    b1 += TILE_COLUMNS * 4;
    b2 += TILE_COLUMNS * 4;
    b3 += TILE_COLUMNS * 4;
  }
  addPanel(y, s00, s01, s02, s03);
  addPanel(y1, s10, s11, s12, s13);
  addPanel(y2, s20, s21, s22, s23);
  addPanel(y3, s30, s31, s32, s33);
}

// @ts-ignore: decorator
@inline
function addPanel(y: usize, s0: v128, s1: v128, s2: v128, s3: v128): void {
  storePair(y, f32x4.add(v128.load(y), s0), f32x4.add(v128.load(y, 16), s1));
  if (WIDE) storePair(y + 32, f32x4.add(v128.load(y, 32), s2), f32x4.add(v128.load(y, 48), s3));
}

/** The first `width` columns of a panel, or all. */
function onePanel(b: usize, x: usize, depth: i32, y: usize, width: i32): void {
  for (let column = 0; column < min(TILE_COLUMNS, width); column += 4, b += 16, y += 16) {
    let s = f32x4.splat(0);
    for (let k: usize = 0; k < <usize>depth; k++) {
      s = madd(v128.load32_splat(x + (k << 2)), v128.load(b + k * (TILE_COLUMNS * 4)), s);
    }
    storeUpTo4(y, f32x4.add(loadUpTo4(y, width - column), s), width - column);
  }
}

/** y[columns] += x[K] · B[K, columns]; four rows at a time, each read from end to end. */
export function gemvColumns(b: usize, stride: usize, x: usize, k: i32, y: usize, columns: i32): void {
  for (; k >= 4; k -= 4, b += 4 * stride, x += 16) addFourRows(b, stride, x, y, columns);
  for (; k > 0; k--, b += stride, x += 4) {
    const v = v128.load32_splat(x);
    for (let j = 0; j < columns; j += 4) {
      const at = <usize>j << 2;
      const left = columns - j;
      storeUpTo4(y + at, madd(v, loadUpTo4(b + at, left), loadUpTo4(y + at, left)), left);
    }
  }
}

function addFourRows(b: usize, stride: usize, x: usize, y: usize, columns: i32): void {
  const b1 = b + stride, b2 = b1 + stride, b3 = b2 + stride;
  const x0 = v128.load32_splat(x), x1 = v128.load32_splat(x, 4);
  const x2 = v128.load32_splat(x, 8), x3 = v128.load32_splat(x, 12);
  let j = 0;
  for (; j + 8 <= columns; j += 8) {
    const at = <usize>j << 2;
    let low = madd(x0, v128.load(b + at), v128.load(y + at));
    let high = madd(x0, v128.load(b + at, 16), v128.load(y + at, 16));
    low = madd(x1, v128.load(b1 + at), low);
    high = madd(x1, v128.load(b1 + at, 16), high);
    low = madd(x2, v128.load(b2 + at), low);
    high = madd(x2, v128.load(b2 + at, 16), high);
    low = madd(x3, v128.load(b3 + at), low);
    high = madd(x3, v128.load(b3 + at, 16), high);
    storePair(y + at, low, high);
  }
  for (; j < columns; j += 4) {
    const at = <usize>j << 2;
    const left = columns - j;
    let s = madd(x0, loadUpTo4(b + at, left), loadUpTo4(y + at, left));
    s = madd(x1, loadUpTo4(b1 + at, left), s);
    s = madd(x2, loadUpTo4(b2 + at, left), s);
    s = madd(x3, loadUpTo4(b3 + at, left), s);
    storeUpTo4(y + at, s, left);
  }
}
