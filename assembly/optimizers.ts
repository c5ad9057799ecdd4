// One optimizer step over one parameter, PyTorch's formulas. g is the gradient after clipping: scale · gradient.
//
//   sgd    g += λp;  v = µv + g;  p −= η·v                                        (µ = 0: p −= η·g)
//   adam   (Kingma & Ba 2015) g += λp, or decoupled (AdamW, Loshchilov & Hutter 2019): p −= ηλp
//          m = β₁m + (1 − β₁)g;  v = β₂v + (1 − β₂)g²;  p −= η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
//   rmsprop (Hinton 2012; Graves 2013) g += λp;  v = αv + (1 − α)g²;  d = g/(√v + ε);  m = µm + d;  p −= η·m
//                                                                               (µ = 0: p −= η·d)
//
// Bias corrections are computed here, in f64, because a runtime's Math.pow may differ.
// Split over chunks; elements are independent.

import { power } from "./scalar-math";
import { loadUpTo4, madd, nmadd, partStart, storePair, storeUpTo4 } from "./simd";

const CHUNK: i32 = 16384;

@unmanaged
export class OptimizerArgs {
  parameter: usize;
  gradient: usize;
  /** SGD: velocity v, or 0 without momentum. Adam: m. RMSProp: m, or 0 without momentum. */
  first: usize;
  /** Adam, RMSProp: v. */
  second: usize;
  count: i32;
  /** t, from 1. */
  step: i32;
  decoupled: i32;
  learningRate: f32;
  momentum: f32;
  weightDecay: f32;
  beta1: f32;
  /** RMSProp: α. */
  beta2: f32;
  epsilon: f32;
  /** What clipping multiplies the gradient by. */
  scale: f32;
}

export function sgdStep(args: OptimizerArgs, part: i32, parts: i32): void {
  const from = partStart(args.count, CHUNK, part, parts);
  const to = partStart(args.count, CHUNK, part + 1, parts);
  if (args.first) sgdSpan(args, from, to, true);
  else sgdSpan(args, from, to, false);
}

/** Inlined twice, so that no branch stands between a pair's stores. */
// @ts-ignore: decorator
@inline
function sgdSpan(args: OptimizerArgs, i: i32, to: i32, hasMomentum: bool): void {
  const rate = f32x4.splat(args.learningRate);
  const momentum = f32x4.splat(args.momentum);
  const decay = f32x4.splat(args.weightDecay);
  const scale = f32x4.splat(args.scale);
  const parameter = args.parameter, gradient = args.gradient, first = args.first;
  for (; i + 8 <= to; i += 8) {
    const at = <usize>i << 2;
    const p = v128.load(parameter + at), p2 = v128.load(parameter + at, 16);
    let g = madd(decay, p, f32x4.mul(scale, v128.load(gradient + at)));
    let g2 = madd(decay, p2, f32x4.mul(scale, v128.load(gradient + at, 16)));
    if (hasMomentum) {
      g = madd(momentum, v128.load(first + at), g);
      g2 = madd(momentum, v128.load(first + at, 16), g2);
      storePair(first + at, g, g2);
    }
    storePair(parameter + at, nmadd(rate, g, p), nmadd(rate, g2, p2));
  }
  for (; i < to; i += 4) {
    const left = to - i;
    const at = <usize>i << 2;
    const p = loadUpTo4(parameter + at, left);
    let g = madd(decay, p, f32x4.mul(scale, loadUpTo4(gradient + at, left)));
    if (hasMomentum) {
      g = madd(momentum, loadUpTo4(first + at, left), g);
      storeUpTo4(first + at, g, left);
    }
    storeUpTo4(parameter + at, nmadd(rate, g, p), left);
  }
}

export function adamStep(args: OptimizerArgs, part: i32, parts: i32): void {
  const from = partStart(args.count, CHUNK, part, parts);
  const to = partStart(args.count, CHUNK, part + 1, parts);
  const correction1 = 1 - power(args.beta1, args.step);
  const correction2 = 1 - power(args.beta2, args.step);
  const rate = f32x4.splat(<f32>(<f64>args.learningRate / correction1));
  const rootScale = f32x4.splat(<f32>(1 / Math.sqrt(correction2)));
  const beta1 = f32x4.splat(args.beta1);
  const beta2 = f32x4.splat(args.beta2);
  const rest1 = f32x4.splat(<f32>(1 - <f64>args.beta1));
  const rest2 = f32x4.splat(<f32>(1 - <f64>args.beta2));
  const epsilon = f32x4.splat(args.epsilon);
  const scale = f32x4.splat(args.scale);
  const decay = f32x4.splat(args.decoupled ? 0 : args.weightDecay);
  const shrink = f32x4.splat(args.decoupled ? args.learningRate * args.weightDecay : 0);
  const parameter = args.parameter, gradient = args.gradient, first = args.first, second = args.second;
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const at = <usize>i << 2;
    const q = v128.load(parameter + at), q2 = v128.load(parameter + at, 16);
    const p = nmadd(shrink, q, q), p2 = nmadd(shrink, q2, q2);
    const g = madd(decay, p, f32x4.mul(scale, v128.load(gradient + at)));
    const g2 = madd(decay, p2, f32x4.mul(scale, v128.load(gradient + at, 16)));
    const m = madd(beta1, v128.load(first + at), f32x4.mul(rest1, g));
    const m2 = madd(beta1, v128.load(first + at, 16), f32x4.mul(rest1, g2));
    const v = madd(beta2, v128.load(second + at), f32x4.mul(rest2, f32x4.mul(g, g)));
    const v2 = madd(beta2, v128.load(second + at, 16), f32x4.mul(rest2, f32x4.mul(g2, g2)));
    storePair(first + at, m, m2);
    storePair(second + at, v, v2);
    const step = f32x4.div(m, madd(f32x4.sqrt(v), rootScale, epsilon));
    const step2 = f32x4.div(m2, madd(f32x4.sqrt(v2), rootScale, epsilon));
    storePair(parameter + at, nmadd(rate, step, p), nmadd(rate, step2, p2));
  }
  for (; i < to; i += 4) {
    const left = to - i;
    const at = <usize>i << 2;
    let p = loadUpTo4(parameter + at, left);
    p = nmadd(shrink, p, p);
    const g = madd(decay, p, f32x4.mul(scale, loadUpTo4(gradient + at, left)));
    const m = madd(beta1, loadUpTo4(first + at, left), f32x4.mul(rest1, g));
    const v = madd(beta2, loadUpTo4(second + at, left), f32x4.mul(rest2, f32x4.mul(g, g)));
    storeUpTo4(first + at, m, left);
    storeUpTo4(second + at, v, left);
    const divisor = madd(f32x4.sqrt(v), rootScale, epsilon);
    storeUpTo4(parameter + at, nmadd(rate, f32x4.div(m, divisor), p), left);
  }
}

export function rmspropStep(args: OptimizerArgs, part: i32, parts: i32): void {
  const from = partStart(args.count, CHUNK, part, parts);
  const to = partStart(args.count, CHUNK, part + 1, parts);
  if (args.first) rmspropSpan(args, from, to, true);
  else rmspropSpan(args, from, to, false);
}

// @ts-ignore: decorator
@inline
function rmspropSpan(args: OptimizerArgs, i: i32, to: i32, hasMomentum: bool): void {
  const rate = f32x4.splat(args.learningRate);
  const momentum = f32x4.splat(args.momentum);
  const decay = f32x4.splat(args.weightDecay);
  const alpha = f32x4.splat(args.beta2);
  const rest = f32x4.splat(<f32>(1 - <f64>args.beta2));
  const epsilon = f32x4.splat(args.epsilon);
  const scale = f32x4.splat(args.scale);
  const parameter = args.parameter, gradient = args.gradient, first = args.first, second = args.second;
  for (; i + 8 <= to; i += 8) {
    const at = <usize>i << 2;
    const p = v128.load(parameter + at), p2 = v128.load(parameter + at, 16);
    const g = madd(decay, p, f32x4.mul(scale, v128.load(gradient + at)));
    const g2 = madd(decay, p2, f32x4.mul(scale, v128.load(gradient + at, 16)));
    const v = madd(alpha, v128.load(second + at), f32x4.mul(rest, f32x4.mul(g, g)));
    const v2 = madd(alpha, v128.load(second + at, 16), f32x4.mul(rest, f32x4.mul(g2, g2)));
    storePair(second + at, v, v2);
    let update = f32x4.div(g, f32x4.add(f32x4.sqrt(v), epsilon));
    let update2 = f32x4.div(g2, f32x4.add(f32x4.sqrt(v2), epsilon));
    if (hasMomentum) {
      update = madd(momentum, v128.load(first + at), update);
      update2 = madd(momentum, v128.load(first + at, 16), update2);
      storePair(first + at, update, update2);
    }
    storePair(parameter + at, nmadd(rate, update, p), nmadd(rate, update2, p2));
  }
  for (; i < to; i += 4) {
    const left = to - i;
    const at = <usize>i << 2;
    const p = loadUpTo4(parameter + at, left);
    const g = madd(decay, p, f32x4.mul(scale, loadUpTo4(gradient + at, left)));
    const v = madd(alpha, loadUpTo4(second + at, left), f32x4.mul(rest, f32x4.mul(g, g)));
    storeUpTo4(second + at, v, left);
    let update = f32x4.div(g, f32x4.add(f32x4.sqrt(v), epsilon));
    if (hasMomentum) {
      update = madd(momentum, loadUpTo4(first + at, left), update);
      storeUpTo4(first + at, update, left);
    }
    storeUpTo4(parameter + at, nmadd(rate, update, p), left);
  }
}
