// Element by element over a stretch of memory: y[count] = f(x[count]), y may be x; y = a⊙b, y += a⊙b.
//
// An element takes the same routine wherever it lies. A function each: the kind as an argument would leave a branch in
// every loop. Pairs of vectors, whose stores are neighbours, are for the wide build (simd.ts); where the function takes many
// instructions only it has them.

import { loadUpTo4, madd, storePair, storeUpTo4, WIDE } from "./simd";
import { exp4, log4, sigmoid4, tanh4 } from "./vector-math";

// @ts-ignore: decorator
@inline
function relu4(x: v128): v128 {
  // NaN, which must reach the loss to be noticed, is not below 0.
  return f32x4.pmax(x, f32x4.splat(0));
}

export function expSpan(x: usize, y: usize, count: i32): void {
  if (WIDE) {
    for (; count >= 8; count -= 8, x += 32, y += 32) {
      const low = exp4(v128.load(x));
      const high = exp4(v128.load(x, 16));
      storePair(y, low, high);
    }
  }
  for (; count >= 4; count -= 4, x += 16, y += 16) v128.store(y, exp4(v128.load(x)));
  if (count > 0) storeUpTo4(y, exp4(loadUpTo4(x, count)), count);
}

export function logSpan(x: usize, y: usize, count: i32): void {
  if (WIDE) {
    for (; count >= 8; count -= 8, x += 32, y += 32) {
      const low = log4(v128.load(x));
      const high = log4(v128.load(x, 16));
      storePair(y, low, high);
    }
  }
  for (; count >= 4; count -= 4, x += 16, y += 16) v128.store(y, log4(v128.load(x)));
  if (count > 0) storeUpTo4(y, log4(loadUpTo4(x, count)), count);
}

export function tanhSpan(x: usize, y: usize, count: i32): void {
  if (WIDE) {
    for (; count >= 8; count -= 8, x += 32, y += 32) {
      const low = tanh4(v128.load(x));
      const high = tanh4(v128.load(x, 16));
      storePair(y, low, high);
    }
  }
  for (; count >= 4; count -= 4, x += 16, y += 16) v128.store(y, tanh4(v128.load(x)));
  if (count > 0) storeUpTo4(y, tanh4(loadUpTo4(x, count)), count);
}

export function sigmoidSpan(x: usize, y: usize, count: i32): void {
  if (WIDE) {
    for (; count >= 8; count -= 8, x += 32, y += 32) {
      const low = sigmoid4(v128.load(x));
      const high = sigmoid4(v128.load(x, 16));
      storePair(y, low, high);
    }
  }
  for (; count >= 4; count -= 4, x += 16, y += 16) v128.store(y, sigmoid4(v128.load(x)));
  if (count > 0) storeUpTo4(y, sigmoid4(loadUpTo4(x, count)), count);
}

export function reluSpan(x: usize, y: usize, count: i32): void {
  if (WIDE) {
    for (; count >= 8; count -= 8, x += 32, y += 32) {
      const low = relu4(v128.load(x));
      const high = relu4(v128.load(x, 16));
      storePair(y, low, high);
    }
  }
  for (; count >= 4; count -= 4, x += 16, y += 16) v128.store(y, relu4(v128.load(x)));
  if (count > 0) storeUpTo4(y, relu4(loadUpTo4(x, count)), count);
}

/** y[count] = a[count] ⊙ b[count] */
export function multiplySpan(a: usize, b: usize, y: usize, count: i32): void {
  for (; count >= 8; count -= 8, a += 32, b += 32, y += 32) {
    const low = f32x4.mul(v128.load(a), v128.load(b));
    const high = f32x4.mul(v128.load(a, 16), v128.load(b, 16));
    storePair(y, low, high);
  }
  for (; count > 0; count -= 4, a += 16, b += 16, y += 16) {
    storeUpTo4(y, f32x4.mul(loadUpTo4(a, count), loadUpTo4(b, count)), count);
  }
}

/** y[count] += a[count] ⊙ b[count] */
export function multiplyAddSpan(a: usize, b: usize, y: usize, count: i32): void {
  for (; count >= 8; count -= 8, a += 32, b += 32, y += 32) {
    const low = madd(v128.load(a), v128.load(b), v128.load(y));
    const high = madd(v128.load(a, 16), v128.load(b, 16), v128.load(y, 16));
    storePair(y, low, high);
  }
  for (; count > 0; count -= 4, a += 16, b += 16, y += 16) {
    storeUpTo4(y, madd(loadUpTo4(a, count), loadUpTo4(b, count), loadUpTo4(y, count)), count);
  }
}
