// Element by element: activations, their gradients, and sums and products with broadcasting over rows.
//
//   unary      y = f(x),            f = exp, log, tanh, sigmoid, relu
//   derive     dx += dy ⊙ f′,       f′ from the output y:  exp y, tanh 1 − y², sigmoid y(1 − y), relu y > 0;  log 1/x from x
//   binary     y[R, C] = a ∘ b,     ∘ = +, ×; b is [R, C], or [C] used on every row (bStride 0)
//   accumulate y += s·x             multiplyAdd  y += a ⊙ b
//   fill       y = value            clamp  x = min(max(x, −limit), limit)
// Split over chunks of CHUNK floats, with broadcasting by rows; an element takes the same routine wherever it lies.

import { fill as fillFloats, loadUpTo4, madd, nmadd, partStart, storePair, storeUpTo4 } from "./simd";
import {
  EXP, expSpan, LOG, logSpan, multiplyAddSpan, multiplySpan, RELU, reluSpan, SIGMOID, sigmoidSpan, TANH, tanhSpan,
} from "./spans";

const CHUNK: i32 = 16384;

/** y[count] = f(x[count]); y may be x. */
export function unary(kind: i32, x: usize, y: usize, count: i32, part: i32, parts: i32): void {
  const from = partStart(count, CHUNK, part, parts);
  const length = partStart(count, CHUNK, part + 1, parts) - from;
  x += <usize>from << 2;
  y += <usize>from << 2;
  if (kind == EXP) expSpan(x, y, length);
  else if (kind == LOG) logSpan(x, y, length);
  else if (kind == TANH) tanhSpan(x, y, length);
  else if (kind == SIGMOID) sigmoidSpan(x, y, length);
  else reluSpan(x, y, length);
}

/** dx += dy ⊙ f′; `value` is the output y, for log the input x. */
export function derive(kind: i32, value: usize, dy: usize, dx: usize, count: i32, part: i32, parts: i32): void {
  const from = partStart(count, CHUNK, part, parts);
  const to = partStart(count, CHUNK, part + 1, parts);
  if (kind == EXP) deriveSpan(EXP, value, dy, dx, from, to);
  else if (kind == LOG) deriveSpan(LOG, value, dy, dx, from, to);
  else if (kind == TANH) deriveSpan(TANH, value, dy, dx, from, to);
  else if (kind == SIGMOID) deriveSpan(SIGMOID, value, dy, dx, from, to);
  else deriveSpan(RELU, value, dy, dx, from, to);
}

/** Inlined for each kind: no branch is left in its loops. */
// @ts-ignore: decorator
@inline
function deriveSpan(kind: i32, value: usize, dy: usize, dx: usize, i: i32, to: i32): void {
  for (; i + 8 <= to; i += 8) {
    const at = <usize>i << 2;
    const low = addDerived(kind, v128.load(value + at), v128.load(dy + at), v128.load(dx + at));
    const high = addDerived(kind, v128.load(value + at, 16), v128.load(dy + at, 16), v128.load(dx + at, 16));
    storePair(dx + at, low, high);
  }
  for (; i < to; i += 4) {
    const left = to - i;
    const at = <usize>i << 2;
    const sum = addDerived(kind, loadUpTo4(value + at, left), loadUpTo4(dy + at, left), loadUpTo4(dx + at, left));
    storeUpTo4(dx + at, sum, left);
  }
}

/** dx + dy ⊙ f′ */
// @ts-ignore: decorator
@inline
function addDerived(kind: i32, v: v128, dy: v128, dx: v128): v128 {
  const one = f32x4.splat(1);
  if (kind == EXP) return madd(dy, v, dx);
  if (kind == LOG) return madd(dy, f32x4.div(one, v), dx);
  if (kind == TANH) return madd(dy, nmadd(v, v, one), dx);
  if (kind == SIGMOID) return madd(dy, f32x4.mul(v, f32x4.sub(one, v)), dx);
  // Masked, not multiplied: an infinite dy times 0 would be NaN.
  return f32x4.add(v128.and(dy, f32x4.gt(v, f32x4.splat(0))), dx);
}

/** y[rows, columns] = a + b (kind 0) or a × b (kind 1); bStride in floats: columns, or 0 for one row used for all. */
export function binary(
  kind: i32, a: usize, b: usize, bStride: i32, y: usize, rows: i32, columns: i32, part: i32, parts: i32,
): void {
  if (bStride) {
    const from = partStart(rows * columns, CHUNK, part, parts);
    const to = partStart(rows * columns, CHUNK, part + 1, parts);
    const start = <usize>from << 2;
    binaryRow(kind, a + start, b + start, y + start, to - from);
    return;
  }
  const to = partStart(rows, 1, part + 1, parts);
  for (let row = partStart(rows, 1, part, parts); row < to; row++) {
    const start = (<usize>row * columns) << 2;
    binaryRow(kind, a + start, b, y + start, columns);
  }
}

function binaryRow(kind: i32, a: usize, b: usize, y: usize, count: i32): void {
  if (kind) {
    multiplySpan(a, b, y, count);
    return;
  }
  for (; count >= 8; count -= 8, a += 32, b += 32, y += 32) {
    const low = f32x4.add(v128.load(a), v128.load(b));
    const high = f32x4.add(v128.load(a, 16), v128.load(b, 16));
    storePair(y, low, high);
  }
  for (; count > 0; count -= 4, a += 16, b += 16, y += 16) {
    storeUpTo4(y, f32x4.add(loadUpTo4(a, count), loadUpTo4(b, count)), count);
  }
}

/** y[count] += scale · x[count] */
export function accumulate(y: usize, x: usize, scale: f32, count: i32, part: i32, parts: i32): void {
  const from = partStart(count, CHUNK, part, parts);
  const to = partStart(count, CHUNK, part + 1, parts);
  const s = f32x4.splat(scale);
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const at = <usize>i << 2;
    const low = madd(s, v128.load(x + at), v128.load(y + at));
    const high = madd(s, v128.load(x + at, 16), v128.load(y + at, 16));
    storePair(y + at, low, high);
  }
  for (; i < to; i += 4) {
    const at = <usize>i << 2;
    storeUpTo4(y + at, madd(s, loadUpTo4(x + at, to - i), loadUpTo4(y + at, to - i)), to - i);
  }
}

/** y[rows, columns] += a[rows, columns] ⊙ b, b broadcast as in `binary`. */
export function multiplyAdd(
  a: usize, b: usize, bStride: i32, y: usize, rows: i32, columns: i32, part: i32, parts: i32,
): void {
  if (bStride) {
    const from = partStart(rows * columns, CHUNK, part, parts);
    const to = partStart(rows * columns, CHUNK, part + 1, parts);
    const start = <usize>from << 2;
    multiplyAddSpan(a + start, b + start, y + start, to - from);
    return;
  }
  const to = partStart(rows, 1, part + 1, parts);
  for (let row = partStart(rows, 1, part, parts); row < to; row++) {
    const start = (<usize>row * columns) << 2;
    multiplyAddSpan(a + start, b, y + start, columns);
  }
}

/** y[count] = value */
export function fill(y: usize, value: f32, count: i32, part: i32, parts: i32): void {
  const from = partStart(count, CHUNK, part, parts);
  fillFloats(y + (<usize>from << 2), value, partStart(count, CHUNK, part + 1, parts) - from);
}

/** x[count] = min(max(x, −limit), limit): clipping by value. NaN stays NaN. */
export function clamp(x: usize, limit: f32, count: i32, part: i32, parts: i32): void {
  const from = partStart(count, CHUNK, part, parts);
  const to = partStart(count, CHUNK, part + 1, parts);
  const high = f32x4.splat(limit);
  const low = f32x4.splat(-limit);
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const at = x + (<usize>i << 2);
    const first = f32x4.pmax(f32x4.pmin(v128.load(at), high), low);
    const second = f32x4.pmax(f32x4.pmin(v128.load(at, 16), high), low);
    storePair(at, first, second);
  }
  for (; i < to; i += 4) {
    const at = x + (<usize>i << 2);
    storeUpTo4(at, f32x4.pmax(f32x4.pmin(loadUpTo4(at, to - i), high), low), to - i);
  }
}
