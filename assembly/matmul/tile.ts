// The micro-kernels: a tile of C, kept in vector registers while the depth is walked.
//
//   C[4 or 6, TILE_COLUMNS] += A[rows, depth] · B[depth, TILE_COLUMNS], or = where C is fresh
//
// a: packed [depth][rows], b: packed [depth][TILE_COLUMNS] (see pack.ts), c: row-major with `stride` bytes from row to row.
//
// 8 columns. Four rows are good everywhere: 8 accumulators + 2 of B + 1 of A fit the 16 vector registers of every engine
// measured. So they do with the depth not unrolled; else V8 starts all loads first, and spills. Six rows use the
// multiply-adds' latency better, 99 instead of 93 % of the peak on Node 24 and 26 (Zen 5), but V8 before version 13 spills
// them, to half the speed, and without fused multiply-adds there is no register for the products: `tall` (panels.ts) says
// whether they are used. 5×8 spills where 6×8 does, 3×12 is no better than 4×8, 4×12 and 8×4 are slower everywhere. One load
// of A and four shuffles instead of four loads take turns with the multiplications on some machines: on Zen 5, 49 instead
// of 54 GFLOP/s.
//
// 16 columns, in the wide build: V8's re-vectorizer joins neighbours of four columns to registers of eight, of which 6×16
// needs 12 + 2 + 1; 133 GFLOP/s where 6×8 reaches 66 (Node 24 and 26, Zen 5), 4×16 122, 5×16 127. Unjoined it spills.
//
// They must stay functions of their own (a test checks that): inlined into their caller they would share the caller's fate
// of running in V8's baseline compiler for the whole first matmul.
// They do not handle edges: pack.ts pads both operands with zeros, panels.ts gives edges a full tile to write to.

import { madd, WIDE } from "../simd";

export const TILE_ROWS: i32 = 4;
export const TALL_ROWS: i32 = 6;
export const TILE_COLUMNS: i32 = WIDE ? 16 : 8;

export function tileFour(a: usize, b: usize, c: usize, stride: usize, depth: i32, fresh: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0), c02 = f32x4.splat(0), c03 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0), c12 = f32x4.splat(0), c13 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0), c22 = f32x4.splat(0), c23 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0), c32 = f32x4.splat(0), c33 = f32x4.splat(0);

  const end = a + <usize>(depth * 16);
  for (; a < end; a += 16, b += TILE_COLUMNS * 4) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = WIDE ? v128.load(b, 32) : b0;
    const b3 = WIDE ? v128.load(b, 48) : b1;
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    if (WIDE) {
      c02 = madd(x, b2, c02);
      c03 = madd(x, b3, c03);
    }
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    if (WIDE) {
      c12 = madd(x, b2, c12);
      c13 = madd(x, b3, c13);
    }
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    if (WIDE) {
      c22 = madd(x, b2, c22);
      c23 = madd(x, b3, c23);
    }
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    if (WIDE) {
      c32 = madd(x, b2, c32);
      c33 = madd(x, b3, c33);
    }
  }

  putRow(c, c00, c01, c02, c03, fresh);
  putRow(c + stride, c10, c11, c12, c13, fresh);
  putRow(c + 2 * stride, c20, c21, c22, c23, fresh);
  putRow(c + 3 * stride, c30, c31, c32, c33, fresh);
}

export function tileSix(a: usize, b: usize, c: usize, stride: usize, depth: i32, fresh: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0), c02 = f32x4.splat(0), c03 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0), c12 = f32x4.splat(0), c13 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0), c22 = f32x4.splat(0), c23 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0), c32 = f32x4.splat(0), c33 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0), c42 = f32x4.splat(0), c43 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0), c52 = f32x4.splat(0), c53 = f32x4.splat(0);

  const end = a + <usize>(depth * 24);
  for (; a < end; a += 24, b += TILE_COLUMNS * 4) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = WIDE ? v128.load(b, 32) : b0;
    const b3 = WIDE ? v128.load(b, 48) : b1;
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    if (WIDE) {
      c02 = madd(x, b2, c02);
      c03 = madd(x, b3, c03);
    }
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    if (WIDE) {
      c12 = madd(x, b2, c12);
      c13 = madd(x, b3, c13);
    }
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    if (WIDE) {
      c22 = madd(x, b2, c22);
      c23 = madd(x, b3, c23);
    }
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    if (WIDE) {
      c32 = madd(x, b2, c32);
      c33 = madd(x, b3, c33);
    }
    x = v128.load32_splat(a, 16);
    c40 = madd(x, b0, c40);
    c41 = madd(x, b1, c41);
    if (WIDE) {
      c42 = madd(x, b2, c42);
      c43 = madd(x, b3, c43);
    }
    x = v128.load32_splat(a, 20);
    c50 = madd(x, b0, c50);
    c51 = madd(x, b1, c51);
    if (WIDE) {
      c52 = madd(x, b2, c52);
      c53 = madd(x, b3, c53);
    }
  }

  putRow(c, c00, c01, c02, c03, fresh);
  putRow(c + stride, c10, c11, c12, c13, fresh);
  putRow(c + 2 * stride, c20, c21, c22, c23, fresh);
  putRow(c + 3 * stride, c30, c31, c32, c33, fresh);
  putRow(c + 4 * stride, c40, c41, c42, c43, fresh);
  putRow(c + 5 * stride, c50, c51, c52, c53, fresh);
}

/** One row of a finished tile: c += v, or = v where C is fresh. */
// @ts-ignore: decorator
@inline
function putRow(c: usize, v0: v128, v1: v128, v2: v128, v3: v128, fresh: bool): void {
  if (!fresh) {
    v0 = f32x4.add(v128.load(c), v0);
    v1 = f32x4.add(v128.load(c, 16), v1);
    if (WIDE) {
      v2 = f32x4.add(v128.load(c, 32), v2);
      v3 = f32x4.add(v128.load(c, 48), v3);
    }
  }
  v128.store(c, v0);
  v128.store(c, v1, 16);
  if (WIDE) {
    v128.store(c, v2, 32);
    v128.store(c, v3, 48);
  }
}
