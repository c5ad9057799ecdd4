// exp, log, tanh and sigmoid over four f32 lanes.
//
//   exp      range reduction x = n·ln2 + r (Cody & Waite), degree-6 polynomial, scaled by 2ⁿ in two steps (one
//            where the argument is known to be inside: tanh, sigmoid)
//   log      x = m·2ᵉ with m in [√½, √2), degree-8 polynomial in m − 1
//   tanh     |x| < 0.625: x + x³·P(x²); else 1 − 2/(exp(2|x|) + 1), with x's sign: odd, never past ±1
//   sigmoid  1/(1 + exp(−x)): never outside [0, 1]
//
// Polynomials are the minimax ones of S. Moshier's Cephes library. Errors are below 4 ulp wherever the result is a
// normal number, against f64, in both builds (test/assembly/vector-math.test.ts measures them). NaN gives NaN.
// Results that are subnormal are only approximate.
//
// Constants are read from memory: V8 13 and 14 (Node 24, 26) build a literal vector anew at every use, in several
// instructions. The loads take W1, the benchmark's training step, from 35.0 to 32.8 ms on Node 24; Node 20 loses up to 2 %.

import { madd, nmadd } from "./simd";

/** eʳ of the reduced argument, to be scaled by 2ⁿ: x = n·ln2 + r. */
// @ts-ignore: decorator
@inline
function expReduced(x: v128, n: v128): v128 {
  let r = nmadd(n, v128.load32_splat(memory.data<f32>([0.693359375])), x);
  r = nmadd(n, v128.load32_splat(memory.data<f32>([-2.12194440e-4])), r);
  let p = v128.load32_splat(memory.data<f32>([1.9875691500e-4]));
  p = madd(p, r, v128.load32_splat(memory.data<f32>([1.3981999507e-3])));
  p = madd(p, r, v128.load32_splat(memory.data<f32>([8.3334519073e-3])));
  p = madd(p, r, v128.load32_splat(memory.data<f32>([4.1665795894e-2])));
  p = madd(p, r, v128.load32_splat(memory.data<f32>([1.6666665459e-1])));
  p = madd(p, r, v128.load32_splat(memory.data<f32>([5.0000001201e-1])));
  return f32x4.add(madd(p, f32x4.mul(r, r), r), v128.load32_splat(memory.data<f32>([1])));
}

// @ts-ignore: decorator
@inline
function nearestPower(x: v128): v128 {
  return f32x4.nearest(f32x4.mul(x, v128.load32_splat(memory.data<f32>([1.44269504088896341]))));
}

// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // Past these bounds the result is 0 or infinite anyway; f32x4.min and max pass NaN on.
  const v = f32x4.max(f32x4.min(x, v128.load32_splat(memory.data<f32>([89]))), v128.load32_splat(memory.data<f32>([-105])));
  const n = nearestPower(v);
  const p = expReduced(v, n);
  // 2ⁿ as the product of two powers that are both normal numbers, since n reaches from −151 to 128.
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  const bias = i32x4.splat(127);
  const low = i32x4.shl(i32x4.add(half, bias), 23);
  const high = i32x4.shl(i32x4.add(i32x4.sub(i, half), bias), 23);
  return f32x4.mul(f32x4.mul(p, low), high);
}

/** exp4 for x from −87 to 88, where 2ⁿ is one normal number: the same bits, in fewer steps. NaN passes. */
// @ts-ignore: decorator
@inline
function exp4Inside(x: v128): v128 {
  const n = nearestPower(x);
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(expReduced(x, n), scale);
}

// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const one = v128.load32_splat(memory.data<f32>([1]));
  // Subnormal numbers are scaled up by 2²³ first.
  const small = f32x4.lt(x, v128.load32_splat(memory.data<f32>([1.17549435e-38])));
  const v = v128.bitselect(f32x4.mul(x, v128.load32_splat(memory.data<f32>([8388608]))), x, small);
  let e = i32x4.sub(i32x4.shr_s(v, 23), i32x4.splat(126));
  e = i32x4.sub(e, v128.and(small, i32x4.splat(23)));
  let m = v128.or(v128.and(v, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const below = f32x4.lt(m, v128.load32_splat(memory.data<f32>([0.707106781186547524])));
  let n = f32x4.convert_i32x4_s(e);
  n = f32x4.sub(n, v128.and(below, one));
  m = f32x4.sub(f32x4.add(m, v128.and(below, m)), one);
  const z = f32x4.mul(m, m);
  let p = v128.load32_splat(memory.data<f32>([7.0376836292e-2]));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([-1.1514610310e-1])));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([1.1676998740e-1])));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([-1.2420140846e-1])));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([1.4249322787e-1])));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([-1.6668057665e-1])));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([2.0000714765e-1])));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([-2.4999993993e-1])));
  p = madd(p, m, v128.load32_splat(memory.data<f32>([3.3333331174e-1])));
  let y = f32x4.mul(f32x4.mul(p, m), z);
  y = madd(n, v128.load32_splat(memory.data<f32>([-2.12194440e-4])), y);
  y = nmadd(z, v128.load32_splat(memory.data<f32>([0.5])), y);
  y = f32x4.add(m, y);
  y = madd(n, v128.load32_splat(memory.data<f32>([0.693359375])), y);
  y = v128.bitselect(x, y, f32x4.eq(x, f32x4.splat(Infinity)));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, v128.load32_splat(memory.data<f32>([0]))));
  // Below zero, and NaN itself: NaN.
  return v128.bitselect(y, f32x4.splat(NaN), f32x4.ge(x, v128.load32_splat(memory.data<f32>([0]))));
}

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = v128.load32_splat(memory.data<f32>([-5.70498872745e-3]));
  p = madd(p, z, v128.load32_splat(memory.data<f32>([2.06390887954e-2])));
  p = madd(p, z, v128.load32_splat(memory.data<f32>([-5.37397155531e-2])));
  p = madd(p, z, v128.load32_splat(memory.data<f32>([1.33314422036e-1])));
  p = madd(p, z, v128.load32_splat(memory.data<f32>([-3.33332819422e-1])));
  p = madd(f32x4.mul(p, z), x, x);
  // From 9 on the result is 1.
  const near = f32x4.min(magnitude, v128.load32_splat(memory.data<f32>([20])));
  const e = exp4Inside(f32x4.add(near, near));
  const far = f32x4.sub(v128.load32_splat(memory.data<f32>([1])), f32x4.div(v128.load32_splat(memory.data<f32>([2])), f32x4.add(e, v128.load32_splat(memory.data<f32>([1])))));
  const y = v128.bitselect(p, far, f32x4.lt(magnitude, v128.load32_splat(memory.data<f32>([0.625]))));
  // The near branch needs x's sign only at −0, which its sum turns into 0.
  return v128.bitselect(x, y, i32x4.splat(0x80000000));
}

// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = v128.load32_splat(memory.data<f32>([1]));
  const low = v128.load32_splat(memory.data<f32>([-88]));
  const v = f32x4.max(f32x4.min(x, v128.load32_splat(memory.data<f32>([87]))), low);
  const y = f32x4.div(one, f32x4.add(one, exp4Inside(f32x4.neg(v))));
  // Below −88 the result is no normal number any more: 0, as at −∞.
  return v128.andnot(y, f32x4.lt(x, low));
}
