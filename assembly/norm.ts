// Layer normalisation over rows (Ba et al. 2016).
//
//   forward   µ = mean x_r,  s = 1/√(mean (x_r − µ)² + ε);   y_r = w ⊙ (x_r − µ)·s + b
//   backward  with n = (x_r − µ)·s and g = dy_r ⊙ w:
//             dx_r += s·(g − mean g − n·mean(g ⊙ n));   dw += Σ_r dy_r ⊙ n;   db += Σ_r dy_r
//
// x, y [R, C]; w, b [C], or 0 for ones and zeros. Forward keeps µ and s per row (`moments` [R, 2]) for the backward
// pass, which is two: by rows for dx, by columns for dw (db is columnSums of reduce.ts). Means are added up in lanes of
// four, the variance from the differences to µ, not from squares. It does not normalise over anything but rows.

import { loadUpTo4, madd, nmadd, partStart, storeUpTo4, sumLanes } from "./simd";

const GRAIN: i32 = 16;

@unmanaged
export class LayerNormArgs {
  rows: i32;
  columns: i32;
  epsilon: f32;
  x: usize;
  weight: usize;
  bias: usize;
  y: usize;
  moments: usize;
  dy: usize;
  dx: usize;
  dWeight: usize;
}

/** As many lanes of `value` as there are columns left, zeros in the others. */
// @ts-ignore: decorator
@inline
function onlyColumns(value: v128, left: i32): v128 {
  return left >= 4 ? value : v128.and(value, i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3)));
}

export function layerNormForward(args: LayerNormArgs, part: i32, parts: i32): void {
  const from = partStart(args.rows, GRAIN, part, parts);
  const to = partStart(args.rows, GRAIN, part + 1, parts);
  const columns = args.columns;
  for (let r = from; r < to; r++) {
    const x = args.x + ((<usize>r * columns) << 2);
    const y = args.y + ((<usize>r * columns) << 2);
    let sums = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) sums = f32x4.add(sums, loadUpTo4(x + (<usize>j << 2), columns - j));
    const mean = sumLanes(sums) / <f32>columns;
    const shift = f32x4.splat(mean);
    sums = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const d = onlyColumns(f32x4.sub(loadUpTo4(x + (<usize>j << 2), left), shift), left);
      sums = madd(d, d, sums);
    }
    const inverse = <f32>1 / sqrt<f32>(sumLanes(sums) / <f32>columns + args.epsilon);
    const scale = f32x4.splat(inverse);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const at = <usize>j << 2;
      let n = f32x4.mul(f32x4.sub(loadUpTo4(x + at, left), shift), scale);
      if (args.weight) n = f32x4.mul(n, loadUpTo4(args.weight + at, left));
      if (args.bias) n = f32x4.add(n, loadUpTo4(args.bias + at, left));
      storeUpTo4(y + at, n, left);
    }
    const moments = args.moments + (<usize>r << 3);
    store<f32>(moments, mean);
    store<f32>(moments, inverse, 4);
  }
}

export function layerNormBackward(args: LayerNormArgs, part: i32, parts: i32): void {
  const from = partStart(args.rows, GRAIN, part, parts);
  const to = partStart(args.rows, GRAIN, part + 1, parts);
  const columns = args.columns;
  for (let r = from; r < to; r++) {
    const start = (<usize>r * columns) << 2;
    const moments = args.moments + (<usize>r << 3);
    const shift = f32x4.splat(load<f32>(moments));
    const inverse = f32x4.splat(load<f32>(moments, 4));
    let sums = f32x4.splat(0);
    let products = f32x4.splat(0);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const at = <usize>j << 2;
      const g = weighted(args, start, at, left);
      const n = f32x4.mul(f32x4.sub(loadUpTo4(args.x + start + at, left), shift), inverse);
      sums = f32x4.add(sums, g);
      // g is zero in lanes past the end, so that what n is there does not matter.
      products = madd(g, n, products);
    }
    const mean = f32x4.splat(sumLanes(sums) / <f32>columns);
    const slope = f32x4.splat(sumLanes(products) / <f32>columns);
    for (let j = 0; j < columns; j += 4) {
      const left = columns - j;
      const at = <usize>j << 2;
      const g = weighted(args, start, at, left);
      const n = f32x4.mul(f32x4.sub(loadUpTo4(args.x + start + at, left), shift), inverse);
      const d = nmadd(n, slope, f32x4.sub(g, mean));
      const dx = args.dx + start + at;
      storeUpTo4(dx, madd(inverse, d, loadUpTo4(dx, left)), left);
    }
  }
}

/** dy ⊙ w */
// @ts-ignore: decorator
@inline
function weighted(args: LayerNormArgs, start: usize, at: usize, left: i32): v128 {
  const d = loadUpTo4(args.dy + start + at, left);
  return args.weight ? f32x4.mul(d, loadUpTo4(args.weight + at, left)) : d;
}

/** dw, split by columns. */
export function layerNormBackwardWeight(args: LayerNormArgs, part: i32, parts: i32): void {
  const from = partStart(args.columns, GRAIN, part, parts);
  const to = partStart(args.columns, GRAIN, part + 1, parts);
  const row = <usize>args.columns << 2;
  for (let j = from; j < to; j += 4) {
    const left = to - j;
    const at = <usize>j << 2;
    let sum = f32x4.splat(0);
    for (let r = 0; r < args.rows; r++) {
      const moments = args.moments + (<usize>r << 3);
      const d = f32x4.sub(loadUpTo4(args.x + <usize>r * row + at, left), v128.load32_splat(moments));
      const n = f32x4.mul(d, v128.load32_splat(moments, 4));
      sum = madd(loadUpTo4(args.dy + <usize>r * row + at, left), n, sum);
    }
    const target = args.dWeight + at;
    storeUpTo4(target, f32x4.add(loadUpTo4(target, left), sum), left);
  }
}
