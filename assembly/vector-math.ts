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
// They stand here and not where they are used, since each copy that inlining makes would bring its own.

import { madd, nmadd } from "./simd";

const ZERO = memory.data<f32>([0]);
const NEGATIVE_ZERO = memory.data<f32>([-0.0]);
const HALF = memory.data<f32>([0.5]);
const ONE = memory.data<f32>([1]);
const TWO = memory.data<f32>([2]);
const SQRT_HALF = memory.data<f32>([0.707106781186547524]);
const LOG2_E = memory.data<f32>([1.44269504088896341]);
const TWICE_LOG2_E = memory.data<f32>([2.88539008177792681]);
/** ln2 in two parts, of which the first has few bits; and half of ln2. */
const LN2_HIGH = memory.data<f32>([0.693359375]);
const LN2_LOW = memory.data<f32>([-2.12194440e-4]);
const HALF_LN2 = memory.data<f32>([0.346573590279972655]);
/** Added to a number, it rounds to an integer; the second leaves an exponent with its bias of 127. */
const ROUND = memory.data<f32>([12582912]);
const ROUND_BIASED = memory.data<f32>([12582912 + 127]);
const SMALLEST_NORMAL = memory.data<f32>([1.17549435e-38]);
const TWO_TO_23 = memory.data<f32>([8388608]);
/** Past these bounds exp is 0 or infinite anyway; sigmoid is 0 where 2ⁿ has the exponent of ∞; tanh is 1. */
const EXP_LARGEST = memory.data<f32>([89]);
const EXP_SMALLEST = memory.data<f32>([-105]);
const SIGMOID_LARGEST = memory.data<f32>([87]);
const SIGMOID_SMALLEST = memory.data<f32>([-89]);
const TANH_LARGEST = memory.data<f32>([10]);
/** Coefficients, from the highest power down. */
const EXP = memory.data<f32>([
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
]);
const LOG = memory.data<f32>([
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
]);
const TANH = memory.data<f32>([8.88887909e-2, 2.67811337e-1, 6.66674194e-1, 1.33332047, 1.99999992, 2]);
const SIGMOID = memory.data<f32>([-8.31250133e-3, 4.18903316e-2, -1.66671154e-1, 4.99992303e-1]);

/** The constant, or the i-th of a table, in all lanes. */
// @ts-ignore: decorator
@inline
function all(table: usize, i: usize = 0): v128 {
  return v128.load32_splat(table + (i << 2));
}

// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const v = f32x4.pmax(f32x4.pmin(x, all(EXP_LARGEST)), all(EXP_SMALLEST));
  const round = all(ROUND);
  const t = madd(v, all(LOG2_E), round);
  const n = f32x4.sub(t, round);
  let r = nmadd(n, all(LN2_HIGH), v);
  r = nmadd(n, all(LN2_LOW), r);
  let p = all(EXP, 0);
  p = madd(p, r, all(EXP, 1));
  p = madd(p, r, all(EXP, 2));
  p = madd(p, r, all(EXP, 3));
  p = madd(p, r, all(EXP, 4));
  p = madd(p, r, all(EXP, 5));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), all(ONE));
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
  const one = all(ONE);
  // Subnormal numbers are scaled up by 2²³ first.
  const small = f32x4.lt(x, all(SMALLEST_NORMAL));
  const v = v128.bitselect(f32x4.mul(x, all(TWO_TO_23)), x, small);
  let e = i32x4.sub(i32x4.shr_s(v, 23), i32x4.splat(126));
  e = i32x4.sub(e, v128.and(small, i32x4.splat(23)));
  let m = v128.or(v128.and(v, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const below = f32x4.lt(m, all(SQRT_HALF));
  let n = f32x4.convert_i32x4_s(e);
  n = f32x4.sub(n, v128.and(below, one));
  m = f32x4.sub(f32x4.add(m, v128.and(below, m)), one);
  const z = f32x4.mul(m, m);
  let p = all(LOG, 0);
  p = madd(p, m, all(LOG, 1));
  p = madd(p, m, all(LOG, 2));
  p = madd(p, m, all(LOG, 3));
  p = madd(p, m, all(LOG, 4));
  p = madd(p, m, all(LOG, 5));
  p = madd(p, m, all(LOG, 6));
  p = madd(p, m, all(LOG, 7));
  p = madd(p, m, all(LOG, 8));
  let y = f32x4.mul(f32x4.mul(p, m), z);
  y = madd(n, all(LN2_LOW), y);
  y = nmadd(z, all(HALF), y);
  y = f32x4.add(m, y);
  y = madd(n, all(LN2_HIGH), y);
  y = v128.bitselect(x, y, f32x4.eq(x, f32x4.splat(Infinity)));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, all(ZERO)));
  // Below zero, and NaN itself: NaN.
  return v128.bitselect(y, f32x4.splat(NaN), f32x4.ge(x, all(ZERO)));
}

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const one = all(ONE);
  const v = f32x4.pmin(f32x4.abs(x), all(TANH_LARGEST));
  const round = all(ROUND_BIASED);
  const t = madd(v, all(TWICE_LOG2_E), round);
  const n = f32x4.sub(t, round);
  // Half of what 2|x| leaves. One step is enough: where n is large, e's error hardly matters.
  const r = nmadd(n, all(HALF_LN2), v);
  let p = all(TANH, 0);
  p = madd(p, r, all(TANH, 1));
  p = madd(p, r, all(TANH, 2));
  p = madd(p, r, all(TANH, 3));
  p = madd(p, r, all(TANH, 4));
  p = madd(p, r, all(TANH, 5));
  const power = i32x4.shl(t, 23);
  const e = madd(f32x4.mul(p, r), power, f32x4.sub(power, one));
  const y = f32x4.div(e, f32x4.add(e, all(TWO)));
  return v128.or(y, v128.and(x, all(NEGATIVE_ZERO)));
}

// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = all(ONE);
  const v = f32x4.pmax(f32x4.pmin(x, all(SIGMOID_LARGEST)), all(SIGMOID_SMALLEST));
  const round = all(ROUND_BIASED);
  const t = nmadd(v, all(LOG2_E), round);
  const n = f32x4.sub(t, round);
  // −x = n·ln2 − r
  let r = madd(n, all(LN2_HIGH), v);
  r = madd(n, all(LN2_LOW), r);
  let p = all(SIGMOID, 0);
  p = madd(p, r, all(SIGMOID, 1));
  p = madd(p, r, all(SIGMOID, 2));
  p = madd(p, r, all(SIGMOID, 3));
  p = nmadd(nmadd(p, r, one), r, one);
  return f32x4.div(one, madd(p, i32x4.shl(t, 23), one));
}
