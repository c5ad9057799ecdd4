// Matrix times vector: the batch of one, where nothing would be gained by packing.
//
//   y[N] = op(B)ᵀ[N, K] · x[K]  (+ bias[N], or + y where accumulate is set)
//
// B as in gemm.ts: stored [N, K] if transposed (a layer's weights: rows are dotted with x, four rows at a time), else
// [K, N] (rows are scaled and added). Split by groups of 16 outputs. It reads each weight once: memory speed.

import { loadTail, madd, partStart, storeTail, sumLanes } from "../simd";

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
  if (args.bTransposed) gemvRows(args.b + <usize>from * stride, stride, args.x, args.k, y, to - from);
  else gemvColumns(args.b + (<usize>from << 2), stride, args.x, args.k, y, to - from);
}

/** y[rows] += B[rows, K] · x[K] */
export function gemvRows(b: usize, stride: usize, x: usize, k: i32, y: usize, rows: i32): void {
  for (let row = 0; row < rows; row += 4, b += 4 * stride, y += 16) {
    // Rows past the end are computed from row 0 of the group and not stored.
    const left = rows - row;
    const b1 = left > 1 ? b + stride : b;
    const b2 = left > 2 ? b + 2 * stride : b;
    const b3 = left > 3 ? b + 3 * stride : b;
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
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
    let sums = f32x4.splat(sumLanes(s0));
    sums = f32x4.replace_lane(sums, 1, sumLanes(s1));
    sums = f32x4.replace_lane(sums, 2, sumLanes(s2));
    sums = f32x4.replace_lane(sums, 3, sumLanes(s3));
    if (left >= 4) v128.store(y, f32x4.add(v128.load(y), sums));
    else storeTail(y, f32x4.add(loadTail(y, left), sums), left);
  }
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
