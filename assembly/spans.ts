// Element by element over a stretch of memory: y[count] = f(x[count]), y may be x; y = a⊙b, y += a⊙b.
//
// An element takes the same routine wherever it lies. Pairs of vectors, whose stores are neighbours, are for the wide
// build (simd.ts); where the function takes many instructions only it has them.

import { loadUpTo4, madd, storePair, storeUpTo4, WIDE } from "./simd";
import { exp4, log4, sigmoid4, tanh4 } from "./vector-math";

export const EXP: i32 = 0;
export const LOG: i32 = 1;
export const TANH: i32 = 2;
export const SIGMOID: i32 = 3;
export const RELU: i32 = 4;

export function expSpan(x: usize, y: usize, count: i32): void {
  applySpan(EXP, x, y, count);
}

export function logSpan(x: usize, y: usize, count: i32): void {
  applySpan(LOG, x, y, count);
}

export function tanhSpan(x: usize, y: usize, count: i32): void {
  applySpan(TANH, x, y, count);
}

export function sigmoidSpan(x: usize, y: usize, count: i32): void {
  applySpan(SIGMOID, x, y, count);
}

export function reluSpan(x: usize, y: usize, count: i32): void {
  applySpan(RELU, x, y, count);
}

/** Inlined for each kind: no branch is left in its loops. */
// @ts-ignore: decorator
@inline
function applySpan(kind: i32, x: usize, y: usize, count: i32): void {
  if (WIDE) {
    for (; count >= 8; count -= 8, x += 32, y += 32) {
      const low = apply(kind, v128.load(x));
      const high = apply(kind, v128.load(x, 16));
      storePair(y, low, high);
    }
  }
  for (; count >= 4; count -= 4, x += 16, y += 16) v128.store(y, apply(kind, v128.load(x)));
  if (count > 0) storeUpTo4(y, apply(kind, loadUpTo4(x, count)), count);
}

// @ts-ignore: decorator
@inline
function apply(kind: i32, x: v128): v128 {
  if (kind == EXP) return exp4(x);
  if (kind == LOG) return log4(x);
  if (kind == TANH) return tanh4(x);
  if (kind == SIGMOID) return sigmoid4(x);
  // NaN, which must reach the loss to be noticed, is not below 0.
  return f32x4.pmax(x, f32x4.splat(0));
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
