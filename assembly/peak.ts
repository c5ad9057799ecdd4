// Nothing but multiply-adds on registers: what this machine and this runtime can do at best, the measure that the
// benchmarks divide by. `chains` independent sums (8, 10, 12 or 14), `count` rounds; 8·chains·count floating-point operations.

import { madd, sumLanes } from "./simd";

export function madds(chains: i32, count: i32): f32 {
  // Made from the arguments: the compiler would move constants into the loops, where V8 builds them anew each time.
  const y = f32x4.splat(<f32>0.000001 * <f32>chains);
  const x = f32x4.sub(f32x4.splat(1), y);
  let a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y, m = y, n = y;
  if (chains == 8) {
    for (; count > 0; count--) {
      a = madd(a, x, y); b = madd(b, x, y); c = madd(c, x, y); d = madd(d, x, y);
      e = madd(e, x, y); f = madd(f, x, y); g = madd(g, x, y); h = madd(h, x, y);
    }
  } else if (chains == 10) {
    for (; count > 0; count--) {
      a = madd(a, x, y); b = madd(b, x, y); c = madd(c, x, y); d = madd(d, x, y); e = madd(e, x, y);
      f = madd(f, x, y); g = madd(g, x, y); h = madd(h, x, y); i = madd(i, x, y); j = madd(j, x, y);
    }
  } else if (chains == 12) {
    for (; count > 0; count--) {
      a = madd(a, x, y); b = madd(b, x, y); c = madd(c, x, y); d = madd(d, x, y); e = madd(e, x, y); f = madd(f, x, y);
      g = madd(g, x, y); h = madd(h, x, y); i = madd(i, x, y); j = madd(j, x, y); k = madd(k, x, y); l = madd(l, x, y);
    }
  } else {
    for (; count > 0; count--) {
      a = madd(a, x, y); b = madd(b, x, y); c = madd(c, x, y); d = madd(d, x, y); e = madd(e, x, y);
      f = madd(f, x, y); g = madd(g, x, y); h = madd(h, x, y); i = madd(i, x, y); j = madd(j, x, y);
      k = madd(k, x, y); l = madd(l, x, y); m = madd(m, x, y); n = madd(n, x, y);
    }
  }
  const first = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, f), f32x4.add(g, h)));
  return sumLanes(f32x4.add(first, f32x4.add(f32x4.add(i, j), f32x4.add(f32x4.add(k, l), f32x4.add(m, n)))));
}
