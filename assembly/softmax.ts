// Softmax over rows, and softmax fused with cross-entropy.
//
//   softmax        y = exp(x − max x) / Σ exp(x − max x);   dx += y ⊙ (dy − Σ dy⊙y)
//   cross-entropy  loss_r = log Σ exp(x_r − max x_r) + max x_r − x_r[target_r];  0 where target_r is `ignore`
//                  dx_r += scale · (softmax(x_r) − onehot(target_r));  nothing where target_r is `ignore`
//
// x [R, V] row-major. Forward keeps max and Σ of each row (`normalizers` [R, 2]), so that backward needs one pass; not
// max + log Σ, which large logits would round. Targets are i32 and checked by the host. Split by rows.

import { loadTail, loadUpTo4, madd, maxLane, partStart, storePair, storeUpTo4, sumLanes, WIDE } from "./simd";
import { exp4, log4 } from "./vector-math";

const GRAIN: i32 = 16;

/**
 * The largest element, NaN left out: what it is subtracted from stays NaN. (`max`, which keeps it, takes seven instructions
 * of a processor that has none like it.)
 */
function rowMax(x: usize, columns: i32): f32 {
  let m = f32x4.splat(-Infinity), other = m;
  let j = 0;
  for (; j + 8 <= columns; j += 8) {
    m = f32x4.pmax(m, v128.load(x + (<usize>j << 2)));
    other = f32x4.pmax(other, v128.load(x + (<usize>j << 2), 16));
  }
  let best = maxLane(f32x4.pmax(m, other));
  for (; j < columns; j++) {
    const value = load<f32>(x + (<usize>j << 2));
    if (value > best) best = value;
  }
  return best;
}

/** exp(x − shift) for up to four elements at `x`; lanes past the end give 0. */
// @ts-ignore: decorator
@inline
function shiftedExp(x: usize, left: i32, shift: v128): v128 {
  if (left >= 4) return exp4(f32x4.sub(v128.load(x), shift));
  const mask = i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3));
  return v128.and(mask, exp4(f32x4.sub(loadTail(x, left), shift)));
}

/** y[count] = exp(x[count] − most). A number, since V8 14 fails to compile a pair that uses a vector argument. */
function shiftedExpSpan(x: usize, y: usize, count: i32, most: f32): void {
  const shift = f32x4.splat(most);
  if (WIDE) {
    for (; count >= 8; count -= 8, x += 32, y += 32) {
      const low = exp4(f32x4.sub(v128.load(x), shift));
      const high = exp4(f32x4.sub(v128.load(x, 16), shift));
      storePair(y, low, high);
    }
  }
  for (; count > 0; count -= 4, x += 16, y += 16) storeUpTo4(y, shiftedExp(x, count, shift), count);
}

/** Σ x, in four sums. */
function sumOf(x: usize, count: i32): f32 {
  let sums = f32x4.splat(0);
  for (; count > 0; count -= 4, x += 16) sums = f32x4.add(sums, loadUpTo4(x, count));
  return sumLanes(sums);
}

export function softmaxForward(x: usize, y: usize, rows: i32, columns: i32, part: i32, parts: i32): void {
  const from = partStart(rows, GRAIN, part, parts);
  const to = partStart(rows, GRAIN, part + 1, parts);
  for (let row = from; row < to; row++) {
    const source = x + ((<usize>row * columns) << 2);
    const target = y + ((<usize>row * columns) << 2);
    shiftedExpSpan(source, target, columns, rowMax(source, columns));
    const total = f32x4.splat(sumOf(target, columns));
    let j = 0;
    for (; j + 8 <= columns; j += 8) {
      const at = target + (<usize>j << 2);
      storePair(at, f32x4.div(v128.load(at), total), f32x4.div(v128.load(at, 16), total));
    }
    for (; j < columns; j += 4) {
      const at = target + (<usize>j << 2);
      storeUpTo4(at, f32x4.div(loadUpTo4(at, columns - j), total), columns - j);
    }
  }
}

export function softmaxBackward(
  y: usize, dy: usize, dx: usize, rows: i32, columns: i32, part: i32, parts: i32,
): void {
  const from = partStart(rows, GRAIN, part, parts);
  const to = partStart(rows, GRAIN, part + 1, parts);
  for (let row = from; row < to; row++) {
    const start = (<usize>row * columns) << 2;
    const values = y + start, gradients = dy + start, out = dx + start;
    let sums = f32x4.splat(0);
    let j = 0;
    for (; j < columns; j += 4) {
      const at = <usize>j << 2;
      sums = madd(loadUpTo4(values + at, columns - j), loadUpTo4(gradients + at, columns - j), sums);
    }
    const dot = f32x4.splat(sumLanes(sums));
    for (j = 0; j + 8 <= columns; j += 8) {
      const at = <usize>j << 2;
      const d = f32x4.sub(v128.load(gradients + at), dot);
      const d2 = f32x4.sub(v128.load(gradients + at, 16), dot);
      const low = madd(v128.load(values + at), d, v128.load(out + at));
      const high = madd(v128.load(values + at, 16), d2, v128.load(out + at, 16));
      storePair(out + at, low, high);
    }
    for (; j < columns; j += 4) {
      const at = <usize>j << 2;
      const left = columns - j;
      const d = f32x4.sub(loadUpTo4(gradients + at, left), dot);
      storeUpTo4(out + at, madd(loadUpTo4(values + at, left), d, loadUpTo4(out + at, left)), left);
    }
  }
}

export function crossEntropyForward(
  x: usize, targets: usize, ignore: i32, losses: usize, normalizers: usize, rows: i32, columns: i32,
  part: i32, parts: i32,
): void {
  const from = partStart(rows, GRAIN, part, parts);
  const to = partStart(rows, GRAIN, part + 1, parts);
  for (let row = from; row < to; row++) {
    const source = x + ((<usize>row * columns) << 2);
    const highest = rowMax(source, columns);
    const shift = f32x4.splat(highest);
    let sums = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) {
      sums = f32x4.add(sums, shiftedExp(source + (<usize>j << 2), columns - j, shift));
    }
    const total = sumLanes(sums);
    const logSum = f32x4.extract_lane(log4(f32x4.splat(total)), 0);
    store<f32>(normalizers + (<usize>row << 3), highest);
    store<f32>(normalizers + (<usize>row << 3), total, 4);
    const target = load<i32>(targets + (<usize>row << 2));
    let loss: f32 = 0;
    if (target != ignore) loss = highest - load<f32>(source + (<usize>target << 2)) + logSum;
    store<f32>(losses + (<usize>row << 2), loss);
  }
}

export function crossEntropyBackward(
  x: usize, targets: usize, ignore: i32, normalizers: usize, scale: f32, dx: usize, rows: i32, columns: i32,
  part: i32, parts: i32,
): void {
  const from = partStart(rows, GRAIN, part, parts);
  const to = partStart(rows, GRAIN, part + 1, parts);
  for (let row = from; row < to; row++) {
    const target = load<i32>(targets + (<usize>row << 2));
    if (target == ignore) continue;
    const source = x + ((<usize>row * columns) << 2);
    const out = dx + ((<usize>row * columns) << 2);
    const shift = f32x4.splat(load<f32>(normalizers + (<usize>row << 3)));
    const factor = f32x4.splat(scale / load<f32>(normalizers + (<usize>row << 3), 4));
    let j = 0;
    if (WIDE) {
      for (; j + 8 <= columns; j += 8) {
        const from = source + (<usize>j << 2), at = out + (<usize>j << 2);
        const low = f32x4.mul(exp4(f32x4.sub(v128.load(from), shift)), factor);
        const high = f32x4.mul(exp4(f32x4.sub(v128.load(from, 16), shift)), factor);
        storePair(at, f32x4.add(v128.load(at), low), f32x4.add(v128.load(at, 16), high));
      }
    }
    for (; j < columns; j += 4) {
      const left = columns - j;
      const at = out + (<usize>j << 2);
      const p = shiftedExp(source + (<usize>j << 2), left, shift);
      storeUpTo4(at, f32x4.add(loadUpTo4(at, left), f32x4.mul(p, factor)), left);
    }
    const at = out + (<usize>target << 2);
    store<f32>(at, load<f32>(at) - scale);
  }
}
