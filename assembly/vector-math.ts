// exp, log, tanh and sigmoid over four f32 lanes.
//
//   exp      range reduction x = n·ln2 + r (Cody & Waite), degree-7 polynomial, scaled by 2ⁿ in two steps
//   log      x = m·2ᵉ with m in [√½, √2), degree-11 polynomial in m − 1
//   tanh     e/(e + 2) with x's sign, e = exp(2|x|) − 1 = 2ⁿ·(exp(2r) − 1) + (2ⁿ − 1): accurate near 0, odd, never past ±1
//   sigmoid  1/(1 + exp(−x)): never outside [0, 1]
//
// The polynomials of exp and log are the minimax ones of S. Moshier's Cephes library; those of tanh (degree 6) and
// sigmoid (degree 5) are minimax in relative error with the first coefficients fixed, rounded to f32. Errors are below 4 ulp
// wherever the result is a normal number, against f64, in both builds (test/assembly/vector-math.test.ts measures
// them). NaN gives NaN. Results that are subnormal are only approximate.
//
// x/ln2 is rounded to an integer n by adding 1.5·2²³, which leaves n in the lowest bits: n·2²³ as an integer, and so 2ⁿ,
// is then one shift away. f32x4.pmin and pmax are one instruction each on x86, and pass a NaN in their first operand.
//
// Constants are read from memory: V8 13 and 14 (Node 24, 26) build a literal vector anew at every use, in several
// instructions. The loads take W1, the benchmark's training step, from 35.0 to 32.8 ms on Node 24; Node 20 loses up to 2 %.
// Each has one address, so that two uses of a function are the same code but for their argument: what the re-vectorizer joins.

import { madd, nmadd } from "./simd";

const ONE: usize = memory.data<f32>([1]);
const ZERO: usize = memory.data<f32>([0]);
const TWO: usize = memory.data<f32>([2]);
const TEN: usize = memory.data<f32>([10]);
const HALF: usize = memory.data<f32>([0.5]);
const SIGN: usize = memory.data<f32>([-0.0]);
const LN2_HIGH: usize = memory.data<f32>([0.693359375]);
const LN2_LOW: usize = memory.data<f32>([-2.12194440e-4]);
const LOG2_E: usize = memory.data<f32>([1.44269504088896341]);
const TWO_LOG2_E: usize = memory.data<f32>([2.88539008177792681]);
const HALF_LN2: usize = memory.data<f32>([0.346573590279972655]);
const ROUND: usize = memory.data<f32>([12582912]);
const ROUND_BIASED: usize = memory.data<f32>([12582912 + 127]);
const EXP_MOST: usize = memory.data<f32>([89]);
const EXP_LEAST: usize = memory.data<f32>([-105]);
const SIGMOID_MOST: usize = memory.data<f32>([87]);
const SIGMOID_LEAST: usize = memory.data<f32>([-89]);
const SMALLEST_NORMAL: usize = memory.data<f32>([1.17549435e-38]);
const TWO_TO_23: usize = memory.data<f32>([8388608]);
const SQRT_HALF: usize = memory.data<f32>([0.707106781186547524]);
const EXP_TERMS: usize = memory.data<f32>([1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]);
const LOG_TERMS: usize = memory.data<f32>([7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1]);
const TANH_TERMS: usize = memory.data<f32>([8.88887909e-2, 2.67811337e-1, 6.66674194e-1, 1.33332047, 1.99999992]);
const SIGMOID_TERMS: usize = memory.data<f32>([-8.31250133e-3, 4.18903316e-2, -1.66671154e-1, 4.99992303e-1]);

/** A constant in all lanes. */
// @ts-ignore: decorator
@inline
function constant(address: usize): v128 {
  return v128.load32_splat(address);
}

// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // Past these bounds the result is 0 or infinite anyway.
  const v = f32x4.pmax(f32x4.pmin(x, constant(EXP_MOST)), constant(EXP_LEAST));
  const round = constant(ROUND);
  const t = madd(v, constant(LOG2_E), round);
  const n = f32x4.sub(t, round);
  let r = nmadd(n, constant(LN2_HIGH), v);
  r = nmadd(n, constant(LN2_LOW), r);
  let p = constant(EXP_TERMS);
  p = madd(p, r, constant(EXP_TERMS + 4));
  p = madd(p, r, constant(EXP_TERMS + 8));
  p = madd(p, r, constant(EXP_TERMS + 12));
  p = madd(p, r, constant(EXP_TERMS + 16));
  p = madd(p, r, constant(EXP_TERMS + 20));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), constant(ONE));
  // 2ⁿ as the product of two powers that are both normal numbers, since n reaches from −151 to 128.
  const i = i32x4.sub(t, round);
  const half = i32x4.shr_s(i, 1);
  const bias = i32x4.splat(127);
  const low = i32x4.shl(i32x4.add(half, bias), 23);
  const high = i32x4.shl(i32x4.add(i32x4.sub(i, half), bias), 23);
  return f32x4.mul(f32x4.mul(p, low), high);
}

// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const one = constant(ONE);
  // Subnormal numbers are scaled up by 2²³ first.
  const small = f32x4.lt(x, constant(SMALLEST_NORMAL));
  const v = v128.bitselect(f32x4.mul(x, constant(TWO_TO_23)), x, small);
  let e = i32x4.sub(i32x4.shr_s(v, 23), i32x4.splat(126));
  e = i32x4.sub(e, v128.and(small, i32x4.splat(23)));
  let m = v128.or(v128.and(v, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const below = f32x4.lt(m, constant(SQRT_HALF));
  let n = f32x4.convert_i32x4_s(e);
  n = f32x4.sub(n, v128.and(below, one));
  m = f32x4.sub(f32x4.add(m, v128.and(below, m)), one);
  const z = f32x4.mul(m, m);
  let p = constant(LOG_TERMS);
  p = madd(p, m, constant(LOG_TERMS + 4));
  p = madd(p, m, constant(LOG_TERMS + 8));
  p = madd(p, m, constant(LOG_TERMS + 12));
  p = madd(p, m, constant(LOG_TERMS + 16));
  p = madd(p, m, constant(LOG_TERMS + 20));
  p = madd(p, m, constant(LOG_TERMS + 24));
  p = madd(p, m, constant(LOG_TERMS + 28));
  p = madd(p, m, constant(LOG_TERMS + 32));
  let y = f32x4.mul(f32x4.mul(p, m), z);
  y = madd(n, constant(LN2_LOW), y);
  y = nmadd(z, constant(HALF), y);
  y = f32x4.add(m, y);
  y = madd(n, constant(LN2_HIGH), y);
  y = v128.bitselect(x, y, f32x4.eq(x, f32x4.splat(Infinity)));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, constant(ZERO)));
  // Below zero, and NaN itself: NaN.
  return v128.bitselect(y, f32x4.splat(NaN), f32x4.ge(x, constant(ZERO)));
}

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const one = constant(ONE);
  // From 10 on the result is 1.
  const v = f32x4.pmin(f32x4.abs(x), constant(TEN));
  // The exponent's bias of 127 comes with n.
  const round = constant(ROUND_BIASED);
  const t = madd(v, constant(TWO_LOG2_E), round);
  const n = f32x4.sub(t, round);
  // Half of what 2|x| leaves. One step is enough: where n is large, e's error hardly matters.
  const r = nmadd(n, constant(HALF_LN2), v);
  let p = constant(TANH_TERMS);
  p = madd(p, r, constant(TANH_TERMS + 4));
  p = madd(p, r, constant(TANH_TERMS + 8));
  p = madd(p, r, constant(TANH_TERMS + 12));
  p = madd(p, r, constant(TANH_TERMS + 16));
  p = madd(p, r, constant(TWO));
  const power = i32x4.shl(t, 23);
  const e = madd(f32x4.mul(p, r), power, f32x4.sub(power, one));
  const y = f32x4.div(e, f32x4.add(e, constant(TWO)));
  return v128.or(y, v128.and(x, constant(SIGN)));
}

// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = constant(ONE);
  // At −89, 2ⁿ has the exponent of ∞, and the result is 0.
  const v = f32x4.pmax(f32x4.pmin(x, constant(SIGMOID_MOST)), constant(SIGMOID_LEAST));
  const round = constant(ROUND_BIASED);
  const t = nmadd(v, constant(LOG2_E), round);
  const n = f32x4.sub(t, round);
  // −x = n·ln2 − r
  let r = madd(n, constant(LN2_HIGH), v);
  r = madd(n, constant(LN2_LOW), r);
  let p = constant(SIGMOID_TERMS);
  p = madd(p, r, constant(SIGMOID_TERMS + 4));
  p = madd(p, r, constant(SIGMOID_TERMS + 8));
  p = madd(p, r, constant(SIGMOID_TERMS + 12));
  p = nmadd(nmadd(p, r, one), r, one);
  return f32x4.div(one, madd(p, i32x4.shl(t, 23), one));
}
