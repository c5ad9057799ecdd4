// Matrix times vector: the batch of one, where nothing would be gained by packing.
//
//   y[N] = op(B)ᵀ[N, K] · x[K]  (+ bias[N], or + y where accumulate is set)
//
// B as in gemm.ts: stored [N, K] if transposed (a layer's weights: rows are dotted with x), else [K, N] (rows are scaled
// and added). Split by groups of 16 outputs. It reads each weight once, from where it lies: packed weights are read 10 %
// faster at the most (Zen 5, Node 24), and a third slower on Node 20 and 22. Eight rows at a time hide the additions'
// latency, 100 GB/s instead of 75 to 80 out of the second-level cache, where the runtime does not spill them (`tall`, as in
// tile.ts; Node 20 and 22: 66 to 75), else four.

import { loadTail, loadUpTo4, madd, partStart, storeTail, storeUpTo4, sumFour } from "../simd";

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
  /** As in gemm.ts. */
  tall: i32;
}

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
  const stride = <usize>args.bStride << 2;
  if (args.bTransposed) gemvRows(args.b + <usize>from * stride, stride, args.x, args.k, y, to - from, args.tall != 0);
  else gemvColumns(args.b + (<usize>from << 2), stride, args.x, args.k, y, to - from);
}

/** y[rows] += B[rows, K] · x[K] */
export function gemvRows(b: usize, stride: usize, x: usize, k: i32, y: usize, rows: i32, tall: bool): void {
  let row = 0;
  if (ASC_FEATURE_RELAXED_SIMD && tall) {
    for (; row + 8 <= rows; row += 8, b += 8 * stride, y += 32) dotEightRows(b, stride, x, k, y);
  }
  for (; row < rows; row += 4, b += 4 * stride, y += 16) dotFourRows(b, stride, x, k, y, rows - row);
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

function dotEightRows(b: usize, stride: usize, x: usize, k: i32, y: usize): void {
  const b1 = b + stride;
  const b2 = b1 + stride;
  const b3 = b2 + stride;
  const b4 = b3 + stride;
  const b5 = b4 + stride;
  const b6 = b5 + stride;
  const b7 = b6 + stride;
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0), s5 = f32x4.splat(0), s6 = f32x4.splat(0), s7 = f32x4.splat(0);
  const full = <usize>(k & ~3) << 2;
  let i: usize = 0;
  for (; i < full; i += 16) {
    const v = v128.load(x + i);
    s0 = madd(v128.load(b + i), v, s0);
    s1 = madd(v128.load(b1 + i), v, s1);
    s2 = madd(v128.load(b2 + i), v, s2);
    s3 = madd(v128.load(b3 + i), v, s3);
    s4 = madd(v128.load(b4 + i), v, s4);
    s5 = madd(v128.load(b5 + i), v, s5);
    s6 = madd(v128.load(b6 + i), v, s6);
    s7 = madd(v128.load(b7 + i), v, s7);
  }
  const tail = k & 3;
  if (tail) {
    const v = loadTail(x + i, tail);
    s0 = madd(loadTail(b + i, tail), v, s0);
    s1 = madd(loadTail(b1 + i, tail), v, s1);
    s2 = madd(loadTail(b2 + i, tail), v, s2);
    s3 = madd(loadTail(b3 + i, tail), v, s3);
    s4 = madd(loadTail(b4 + i, tail), v, s4);
    s5 = madd(loadTail(b5 + i, tail), v, s5);
    s6 = madd(loadTail(b6 + i, tail), v, s6);
    s7 = madd(loadTail(b7 + i, tail), v, s7);
  }
  v128.store(y, f32x4.add(v128.load(y), sumFour(s0, s1, s2, s3)));
  v128.store(y, f32x4.add(v128.load(y, 16), sumFour(s4, s5, s6, s7)), 16);
}

/** y[columns] += x[K] · B[K, columns] */
export function gemvColumns(b: usize, stride: usize, x: usize, k: i32, y: usize, columns: i32): void {
  for (let column = 0; column < columns; column += 16, b += 64, y += 64) {
    const left = columns - column;
    if (left >= 16) {
      let s0 = v128.load(y);
      let s1 = v128.load(y, 16);
      let s2 = v128.load(y, 32);
      let s3 = v128.load(y, 48);
      let row = b;
      for (let i = 0; i < k; i++, row += stride) {
        const v = v128.load32_splat(x + (<usize>i << 2));
        s0 = madd(v, v128.load(row), s0);
        s1 = madd(v, v128.load(row, 16), s1);
        s2 = madd(v, v128.load(row, 32), s2);
        s3 = madd(v, v128.load(row, 48), s3);
      }
      v128.store(y, s0);
      v128.store(y, s1, 16);
      v128.store(y, s2, 32);
      v128.store(y, s3, 48);
      continue;
    }
    for (let j = 0; j < left; j += 4) {
      const width = min(4, left - j);
      const offset = <usize>j << 2;
      let s = width == 4 ? v128.load(y + offset) : loadTail(y + offset, width);
      let row = b + offset;
      for (let i = 0; i < k; i++, row += stride) {
        const v = v128.load32_splat(x + (<usize>i << 2));
        s = madd(v, width == 4 ? v128.load(row) : loadTail(row, width), s);
      }
      if (width == 4) v128.store(y + offset, s);
      else storeTail(y + offset, s, width);
    }
  }
}
