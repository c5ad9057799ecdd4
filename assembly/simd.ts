// The one place that knows which SIMD the build has.
//
//   madd(a, b, c) = a·b + c, lane by lane
//
// In the `simd` build it is a multiplication and an addition, both rounded: every bit is fixed by the WebAssembly
// specification. In the `relaxed` build the runtime may fuse the two (one rounding, twice the speed where the
// machine has FMA). Tails of vectors are loaded with zeros behind them and run through the same vector routine as
// full vectors, so that an element's bits don't depend on its place.

/**
 * Whether this is the wide build (`--use WIDE_BUILD=1`): the relaxed one with loops over pairs of vectors, which V8's
 * re-vectorizer joins to vectors of twice the width. It joins two operations of one kind that lead to two neighbouring
 * stores with nothing between them.
 */
// @ts-ignore: decorator
@inline
export const WIDE: bool = isDefined(WIDE_BUILD);

/** a·b + c over four f32 lanes. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return f32x4.relaxed_madd(a, b, c);
  }
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a·b over four f32 lanes. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return f32x4.relaxed_nmadd(a, b, c);
  }
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** (lane 0 + lane 2) + (lane 1 + lane 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const pairs = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The lanes' sums of four vectors, each as sumLanes() adds them. */
// @ts-ignore: decorator
@inline
export function sumFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return f32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
}

/** The largest lane; NaN if any lane is. */
// @ts-ignore: decorator
@inline
export function maxLane(v: v128): f32 {
  const pairs = f32x4.max(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** The first `count` (1 to 3) floats at `source`, zeros in the other lanes. Reads nothing past them. */
// @ts-ignore: decorator
@inline
export function loadTail(source: usize, count: i32): v128 {
  if (count == 1) return v128.load32_zero(source);
  const two = v128.load64_zero(source);
  if (count == 2) return two;
  return v128.load_lane<f32>(source + 8, two, 2);
}

/** The first `count` (1 to 3) lanes of `value` to `target`. Writes nothing past them. */
// @ts-ignore: decorator
@inline
export function storeTail(target: usize, value: v128, count: i32): void {
  if (count == 1) {
    v128.store_lane<f32>(target, value, 0);
    return;
  }
  v128.store_lane<i64>(target, value, 0);
  if (count == 3) v128.store_lane<f32>(target + 8, value, 2);
}

/** Four lanes, or the `left` < 4 that there are and zeros. */
// @ts-ignore: decorator
@inline
export function loadUpTo4(source: usize, left: i32): v128 {
  return left >= 4 ? v128.load(source) : loadTail(source, left);
}

// @ts-ignore: decorator
@inline
export function storeUpTo4(target: usize, value: v128, left: i32): void {
  if (left >= 4) v128.store(target, value);
  else storeTail(target, value, left);
}

/** Eight lanes, as the two neighbouring stores that the re-vectorizer looks for. */
// @ts-ignore: decorator
@inline
export function storePair(target: usize, low: v128, high: v128): void {
  v128.store(target, low);
  v128.store(target, high, 16);
}

/** Fills `count` floats with `value`. */
export function fill(target: usize, value: f32, count: i32): void {
  if (reinterpret<i32>(value) == 0) {
    memory.fill(target, 0, <usize>count << 2);
    return;
  }
  const v = f32x4.splat(value);
  for (; count >= 8; count -= 8, target += 32) storePair(target, v, v);
  for (; count > 0; count -= 4, target += 16) storeUpTo4(target, v, count);
}

/** The first index of part `part` when `total` items are split over `parts` in whole groups of `grain`. */
// @ts-ignore: decorator
@inline
export function partStart(total: i32, grain: i32, part: i32, parts: i32): i32 {
  const groups = (total + grain - 1) / grain;
  return min(total, <i32>((<i64>groups * part) / parts) * grain);
}
