// Layer normalisation over rows (Ba et al. 2016).
//
//   forward   µ = mean x_r,  s = 1/√(mean (x_r − µ)² + ε);   y_r = w ⊙ (x_r − µ)·s + b
//   backward  with n = (x_r − µ)·s and g = dy_r ⊙ w:
//             dx_r += s·(g − mean g − n·mean(g ⊙ n));   dw += Σ_r dy_r ⊙ n;   db += Σ_r dy_r
//
// x, y [R, C]; w, b [C], or 0 for ones and zeros. Forward keeps µ and s per row (`moments` [R, 2]) for the backward
// pass, which is two: by rows for dx, by columns for dw (db is columnSums of reduce.ts). Means are added up in lanes of
// eight, the variance from the differences to µ, not from squares. It does not normalise over anything but rows.

import { loadUpTo4, madd, nmadd, partStart, storePair, storeUpTo4, sumLanes } from "./simd";

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
    let sums = f32x4.splat(0), sums2 = sums;
    let j = 0;
    for (; j + 8 <= columns; j += 8) {
      sums = f32x4.add(sums, v128.load(x + (<usize>j << 2)));
      sums2 = f32x4.add(sums2, v128.load(x + (<usize>j << 2), 16));
    }
    for (; j < columns; j += 4) sums = f32x4.add(sums, loadUpTo4(x + (<usize>j << 2), columns - j));
    const mean = sumLanes(f32x4.add(sums, sums2)) / <f32>columns;
    const shift = f32x4.splat(mean);
    sums = f32x4.splat(0);
    sums2 = sums;
    for (j = 0; j + 8 <= columns; j += 8) {
      const d = f32x4.sub(v128.load(x + (<usize>j << 2)), shift);
      const d2 = f32x4.sub(v128.load(x + (<usize>j << 2), 16), shift);
      sums = madd(d, d, sums);
      sums2 = madd(d2, d2, sums2);
    }
    for (; j < columns; j += 4) {
      const left = columns - j;
      const d = onlyColumns(f32x4.sub(loadUpTo4(x + (<usize>j << 2), left), shift), left);
      sums = madd(d, d, sums);
    }
    const inverse = <f32>1 / sqrt<f32>(sumLanes(f32x4.add(sums, sums2)) / <f32>columns + args.epsilon);
    const scale = f32x4.splat(inverse);
    const weight = args.weight, bias = args.bias;
    j = 0;
    if (weight && bias) {
      for (; j + 8 <= columns; j += 8) {
        const at = <usize>j << 2;
        const n = f32x4.mul(f32x4.sub(v128.load(x + at), shift), scale);
        const n2 = f32x4.mul(f32x4.sub(v128.load(x + at, 16), shift), scale);
        const low = f32x4.add(f32x4.mul(n, v128.load(weight + at)), v128.load(bias + at));
        const high = f32x4.add(f32x4.mul(n2, v128.load(weight + at, 16)), v128.load(bias + at, 16));
        storePair(y + at, low, high);
      }
    }
    for (; j < columns; j += 4) {
      const left = columns - j;
      const at = <usize>j << 2;
      let n = f32x4.mul(f32x4.sub(loadUpTo4(x + at, left), shift), scale);
      if (weight) n = f32x4.mul(n, loadUpTo4(weight + at, left));
      if (bias) n = f32x4.add(n, loadUpTo4(bias + at, left));
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
    let sums = f32x4.splat(0), sums2 = sums;
    let products = sums, products2 = sums;
    const weight = args.weight;
    const dy = args.dy + start, x = args.x + start, dx = args.dx + start;
    let j = 0;
    if (weight) {
      for (; j + 8 <= columns; j += 8) {
        const at = <usize>j << 2;
        const g = f32x4.mul(v128.load(dy + at), v128.load(weight + at));
        const g2 = f32x4.mul(v128.load(dy + at, 16), v128.load(weight + at, 16));
        const n = f32x4.mul(f32x4.sub(v128.load(x + at), shift), inverse);
        const n2 = f32x4.mul(f32x4.sub(v128.load(x + at, 16), shift), inverse);
        sums = f32x4.add(sums, g);
        sums2 = f32x4.add(sums2, g2);
        products = madd(g, n, products);
        products2 = madd(g2, n2, products2);
      }
    }
    for (; j < columns; j += 4) {
      const left = columns - j;
      const at = <usize>j << 2;
      const g = weighted(dy + at, weight ? weight + at : 0, left);
      const n = f32x4.mul(f32x4.sub(loadUpTo4(x + at, left), shift), inverse);
      sums = f32x4.add(sums, g);
      // g is zero in lanes past the end, so that what n is there does not matter.
      products = madd(g, n, products);
    }
    const mean = f32x4.splat(sumLanes(f32x4.add(sums, sums2)) / <f32>columns);
    const slope = f32x4.splat(sumLanes(f32x4.add(products, products2)) / <f32>columns);
    j = 0;
    if (weight) {
      for (; j + 8 <= columns; j += 8) {
        const at = <usize>j << 2;
        const g = f32x4.mul(v128.load(dy + at), v128.load(weight + at));
        const g2 = f32x4.mul(v128.load(dy + at, 16), v128.load(weight + at, 16));
        const n = f32x4.mul(f32x4.sub(v128.load(x + at), shift), inverse);
        const n2 = f32x4.mul(f32x4.sub(v128.load(x + at, 16), shift), inverse);
        const d = nmadd(n, slope, f32x4.sub(g, mean));
        const d2 = nmadd(n2, slope, f32x4.sub(g2, mean));
        storePair(dx + at, madd(inverse, d, v128.load(dx + at)), madd(inverse, d2, v128.load(dx + at, 16)));
      }
    }
    for (; j < columns; j += 4) {
      const left = columns - j;
      const at = <usize>j << 2;
      const g = weighted(dy + at, weight ? weight + at : 0, left);
      const n = f32x4.mul(f32x4.sub(loadUpTo4(x + at, left), shift), inverse);
      const d = nmadd(n, slope, f32x4.sub(g, mean));
      storeUpTo4(dx + at, madd(inverse, d, loadUpTo4(dx + at, left)), left);
    }
  }
}

/** dy ⊙ w, where there are weights. */
// @ts-ignore: decorator
@inline
function weighted(dy: usize, weight: usize, left: i32): v128 {
  const d = loadUpTo4(dy, left);
  return weight ? f32x4.mul(d, loadUpTo4(weight, left)) : d;
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
