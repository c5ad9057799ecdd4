// Softmax over rows, and softmax fused with cross-entropy.
//
//   softmax        y = exp(x − max x) / Σ exp(x − max x);   dx += y ⊙ (dy − Σ dy⊙y)
//   cross-entropy  loss_r = log Σ exp(x_r − max x_r) + max x_r − x_r[target_r];  0 where target_r is `ignore`
//                  dx_r += scale · (softmax(x_r) − onehot(target_r));  nothing where target_r is `ignore`
//
// x [R, V] row-major. Forward keeps max + log Σ per row (`normalizers` [R]), so that backward needs one pass. Targets
// are i32 and checked by the host. Split by rows.

import { loadTail, maxLane, partStart, storeUpTo4, sumLanes } from "./simd";
import { exp4, log4 } from "./vector-math";

const GRAIN: i32 = 16;

function rowMax(x: usize, columns: i32): f32 {
  let m = f32x4.splat(-Infinity);
  let j = 0;
  for (; j + 4 <= columns; j += 4) m = f32x4.max(m, v128.load(x + (<usize>j << 2)));
  let best = maxLane(m);
  for (; j < columns; j++) best = max(best, load<f32>(x + (<usize>j << 2)));
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

export function softmaxForward(x: usize, y: usize, rows: i32, columns: i32, part: i32, parts: i32): void {
  const from = partStart(rows, GRAIN, part, parts);
  const to = partStart(rows, GRAIN, part + 1, parts);
  for (let row = from; row < to; row++) {
    const source = x + ((<usize>row * columns) << 2);
    const target = y + ((<usize>row * columns) << 2);
    const shift = f32x4.splat(rowMax(source, columns));
    let sums = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) {
      const e = shiftedExp(source + (<usize>j << 2), columns - j, shift);
      sums = f32x4.add(sums, e);
      storeUpTo4(target + (<usize>j << 2), e, columns - j);
    }
    const total = f32x4.splat(sumLanes(sums));
    for (let j = 0; j < columns; j += 4) {
      const at = target + (<usize>j << 2);
      const left = columns - j;
      const e = left >= 4 ? v128.load(at) : loadTail(at, left);
      storeUpTo4(at, f32x4.div(e, total), left);
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
    let dot: f32 = 0;
    for (let j = 0; j < columns; j++) {
      const at = start + (<usize>j << 2);
      dot += load<f32>(y + at) * load<f32>(dy + at);
    }
    for (let j = 0; j < columns; j++) {
      const at = start + (<usize>j << 2);
      store<f32>(dx + at, load<f32>(dx + at) + load<f32>(y + at) * (load<f32>(dy + at) - dot));
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
    const logSum = f32x4.extract_lane(log4(f32x4.splat(sumLanes(sums))), 0);
    store<f32>(normalizers + (<usize>row << 2), highest + logSum);
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
  const factor = f32x4.splat(scale);
  for (let row = from; row < to; row++) {
    const target = load<i32>(targets + (<usize>row << 2));
    if (target == ignore) continue;
    const source = x + ((<usize>row * columns) << 2);
    const out = dx + ((<usize>row * columns) << 2);
    const shift = f32x4.splat(load<f32>(normalizers + (<usize>row << 2)));
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const at = out + (<usize>j << 2);
      const p = shiftedExp(source + (<usize>j << 2), left, shift);
      const old = left >= 4 ? v128.load(at) : loadTail(at, left);
      storeUpTo4(at, f32x4.add(old, f32x4.mul(p, factor)), left);
    }
    const at = out + (<usize>target << 2);
    store<f32>(at, load<f32>(at) - scale);
  }
}
