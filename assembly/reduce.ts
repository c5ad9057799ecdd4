// Sums.
//
//   columnSums    y[C] += Σ_r x[r, C], or Σ_r x[r, C]⊙w[r, C]: a bias's gradient. Split by columns, rows in order.
//   sumOfSquares  Σ x², in f64: the gradient's norm. Eight running sums, so that the adds overlap.
//   sum           Σ x, in f64, one after the other.
//
// The last two leave a sum for each block of BLOCK floats, which addUp adds up in order: so the order of all additions
// depends on the count alone. Split by blocks.

import { loadUpTo4, partStart, storeUpTo4 } from "./simd";

/** Floats in a cache line. */
const GRAIN: i32 = 16;
/** The host knows it as SUM_BLOCK. */
const BLOCK: i32 = 16384;

/** stride: floats from row to row of x. weights: [R, C] of the same stride, or 0. */
export function columnSums(
  y: usize, x: usize, weights: usize, rows: i32, columns: i32, stride: i32, part: i32, parts: i32,
): void {
  const from = partStart(columns, GRAIN, part, parts);
  const to = partStart(columns, GRAIN, part + 1, parts);
  const step = <usize>stride << 2;
  let j = from;
  if (!weights) {
    for (; j + GRAIN <= to; j += GRAIN) sumLine(y + (<usize>j << 2), x + (<usize>j << 2), rows, step);
  }
  for (; j < to; j += 4) {
    const left = to - j;
    let source = x + (<usize>j << 2);
    let factor = weights + (<usize>j << 2);
    let sum = f32x4.splat(0);
    for (let row = 0; row < rows; row++, source += step, factor += step) {
      const v = loadUpTo4(source, left);
      sum = weights ? f32x4.add(sum, f32x4.mul(v, loadUpTo4(factor, left))) : f32x4.add(sum, v);
    }
    const at = y + (<usize>j << 2);
    storeUpTo4(at, f32x4.add(loadUpTo4(at, left), sum), left);
  }
}

/** 16 columns, which are one cache line of each row: each line is read once. */
function sumLine(y: usize, x: usize, rows: i32, step: usize): void {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (; rows > 0; rows--, x += step) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
  }
  v128.store(y, f32x4.add(v128.load(y), a));
  v128.store(y, f32x4.add(v128.load(y, 16), b), 16);
  v128.store(y, f32x4.add(v128.load(y, 32), c), 32);
  v128.store(y, f32x4.add(v128.load(y, 48), d), 48);
}

/** sums[⌈count / BLOCK⌉] */
export function sumOfSquares(x: usize, count: i32, sums: usize, part: i32, parts: i32): void {
  const to = partStart(count, BLOCK, part + 1, parts);
  for (let i = partStart(count, BLOCK, part, parts); i < to; i += BLOCK) {
    store<f64>(sums + (<usize>(i / BLOCK) << 3), blockOfSquares(x + (<usize>i << 2), min(BLOCK, to - i)));
  }
}

function blockOfSquares(x: usize, count: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; count >= 8; count -= 8, x += 32) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const a0 = f64x2.promote_low_f32x4(a);
    const a1 = f64x2.promote_low_f32x4(i64x2.shuffle(a, a, 1, 0));
    const b0 = f64x2.promote_low_f32x4(b);
    const b1 = f64x2.promote_low_f32x4(i64x2.shuffle(b, b, 1, 0));
    s0 = f64x2.add(s0, f64x2.mul(a0, a0));
    s1 = f64x2.add(s1, f64x2.mul(a1, a1));
    s2 = f64x2.add(s2, f64x2.mul(b0, b0));
    s3 = f64x2.add(s3, f64x2.mul(b1, b1));
  }
  const s = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  let total = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (; count > 0; count--, x += 4) {
    const v = <f64>load<f32>(x);
    total += v * v;
  }
  return total;
}

/** sums[⌈count / BLOCK⌉] */
export function sum(x: usize, count: i32, sums: usize, part: i32, parts: i32): void {
  const to = partStart(count, BLOCK, part + 1, parts);
  for (let i = partStart(count, BLOCK, part, parts); i < to; i += BLOCK) {
    const end = min(to, i + BLOCK);
    let total: f64 = 0;
    for (let j = i; j < end; j++) total += <f64>load<f32>(x + (<usize>j << 2));
    store<f64>(sums + (<usize>(i / BLOCK) << 3), total);
  }
}

/** Σ sums[count], in order. */
export function addUp(sums: usize, count: i32): f64 {
  let total: f64 = 0;
  for (; count > 0; count--, sums += 8) total += load<f64>(sums);
  return total;
}
