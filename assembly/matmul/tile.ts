// The micro-kernel: a 4×8 tile of C, kept in eight vector registers while the depth is walked.
//
//   C[4, 8] += A[4, depth] · B[depth, 8], or = where C is fresh
//
// a: packed [depth][4], b: packed [depth][8] (see pack.ts), c: row-major with `stride` bytes from row to row.
// 8 accumulators + 2 of B + 2 of A fit the 16 vector registers of every engine measured; 6×8 and 8×8 spill in
// V8 11 and 12. So does 4×8 with the depth unrolled: V8 then starts all loads first. One load of A and four shuffles
// instead of four loads take turns with the multiplications on some machines: on Zen 5, 49 instead of 54 GFLOP/s.
// It must stay a function of its own (exported for that): inlined into its caller it would share the caller's fate
// of running in V8's baseline compiler for the whole first matmul.
// It does not handle edges: pack.ts pads both operands with zeros, panels.ts gives edges a full tile to write to.

import { madd } from "../simd";

export const TILE_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;

export function tile4x8(a: usize, b: usize, c: usize, stride: usize, depth: i32, fresh: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);

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

  if (fresh) {
    v128.store(c, c00);
    v128.store(c, c01, 16);
    c += stride;
    v128.store(c, c10);
    v128.store(c, c11, 16);
    c += stride;
    v128.store(c, c20);
    v128.store(c, c21, 16);
    c += stride;
    v128.store(c, c30);
    v128.store(c, c31, 16);
    return;
  }
  v128.store(c, f32x4.add(v128.load(c), c00));
  v128.store(c, f32x4.add(v128.load(c, 16), c01), 16);
  c += stride;
  v128.store(c, f32x4.add(v128.load(c), c10));
  v128.store(c, f32x4.add(v128.load(c, 16), c11), 16);
  c += stride;
  v128.store(c, f32x4.add(v128.load(c), c20));
  v128.store(c, f32x4.add(v128.load(c, 16), c21), 16);
  c += stride;
  v128.store(c, f32x4.add(v128.load(c), c30));
  v128.store(c, f32x4.add(v128.load(c, 16), c31), 16);
}
