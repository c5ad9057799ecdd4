// The micro-kernels: a tile of C, kept in vector registers while the depth is walked.
//
//   C[4 or 6, 8] += A[rows, depth] · B[depth, 8], or = where C is fresh
//
// a: packed [depth][rows], b: packed [depth][8] (see pack.ts), c: row-major with `stride` bytes from row to row.
// tile4x8 is good everywhere: its 8 accumulators + 2 of B + 1 of A fit the 16 vector registers of every engine measured.
// So does it with the depth not unrolled; else V8 starts all loads first, and spills. tile6x8 uses the multiply-adds'
// latency better, 99 instead of 93 % of the peak on Node 24 and 26 (Zen 5), but V8 before version 13 spills it, to half the
// speed, and without fused multiply-adds there is no register for the products: `tall` (panels.ts) says whether it is used.
// 5×8 spills where 6×8 does, 3×12 is no better than 4×8, 4×12 and 8×4 are slower everywhere. One load of A and four shuffles
// instead of four loads take turns with the multiplications on some machines: on Zen 5, 49 instead of 54 GFLOP/s.
// They must stay functions of their own (a test checks that): inlined into their caller they would share the caller's fate
// of running in V8's baseline compiler for the whole first matmul.
// They do not handle edges: pack.ts pads both operands with zeros, panels.ts gives edges a full tile to write to.

import { madd } from "../simd";

export const TILE_ROWS: i32 = 4;
export const TALL_ROWS: i32 = 6;
export const TILE_COLUMNS: i32 = 8;

export function tile4x8(a: usize, b: usize, c: usize, stride: usize, depth: i32, fresh: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);

  const end = a + (<usize>depth << 4);
  for (; a < end; a += 16, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
  }

  putRow(c, c00, c01, fresh);
  putRow(c + stride, c10, c11, fresh);
  putRow(c + 2 * stride, c20, c21, fresh);
  putRow(c + 3 * stride, c30, c31, fresh);
}

export function tile6x8(a: usize, b: usize, c: usize, stride: usize, depth: i32, fresh: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);

  const end = a + <usize>depth * 24;
  for (; a < end; a += 24, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = madd(x, b0, c40);
    c41 = madd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = madd(x, b0, c50);
    c51 = madd(x, b1, c51);
  }

  putRow(c, c00, c01, fresh);
  putRow(c + stride, c10, c11, fresh);
  putRow(c + 2 * stride, c20, c21, fresh);
  putRow(c + 3 * stride, c30, c31, fresh);
  putRow(c + 4 * stride, c40, c41, fresh);
  putRow(c + 5 * stride, c50, c51, fresh);
}

/** One row of a finished tile: c[8] += v, or = v where C is fresh. */
// @ts-ignore: decorator
@inline
function putRow(c: usize, left: v128, right: v128, fresh: bool): void {
  if (!fresh) {
    left = f32x4.add(v128.load(c), left);
    right = f32x4.add(v128.load(c, 16), right);
  }
  v128.store(c, left);
  v128.store(c, right, 16);
}
