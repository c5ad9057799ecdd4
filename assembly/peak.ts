// Nothing but multiply-adds on registers: what this machine and this runtime can do at best, the measure that the
// benchmarks divide by. `chains` independent sums (8, 10, 12 or 14), `count` rounds; 8·chains·count floating-point operations.
// wideMadds does the same with pairs of sums (16, 20 or 24 sums), which the wide build's runtime joins.

import { madd, storePair, sumLanes, WIDE } from "./simd";

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

/** The sums go to `target`, 96 floats. */
export function wideMadds(chains: i32, count: i32, target: usize): void {
  if (!WIDE) return;
  const y = f32x4.splat(<f32>0.000001 * <f32>chains);
  const x = f32x4.sub(f32x4.splat(1), y);
  let a = y, aa = y, b = y, bb = y, c = y, cc = y, d = y, dd = y, e = y, ee = y, f = y, ff = y, g = y, gg = y, h = y, hh = y, i = y, ii = y, j = y, jj = y, k = y, kk = y, l = y, ll = y;
  if (chains == 16) {
    for (; count > 0; count--) {
      a = madd(a, x, y); aa = madd(aa, x, y); b = madd(b, x, y); bb = madd(bb, x, y);
      c = madd(c, x, y); cc = madd(cc, x, y); d = madd(d, x, y); dd = madd(dd, x, y);
      e = madd(e, x, y); ee = madd(ee, x, y); f = madd(f, x, y); ff = madd(ff, x, y);
      g = madd(g, x, y); gg = madd(gg, x, y); h = madd(h, x, y); hh = madd(hh, x, y);
    }
  } else if (chains == 20) {
    for (; count > 0; count--) {
      a = madd(a, x, y); aa = madd(aa, x, y); b = madd(b, x, y); bb = madd(bb, x, y);
      c = madd(c, x, y); cc = madd(cc, x, y); d = madd(d, x, y); dd = madd(dd, x, y);
      e = madd(e, x, y); ee = madd(ee, x, y); f = madd(f, x, y); ff = madd(ff, x, y);
      g = madd(g, x, y); gg = madd(gg, x, y); h = madd(h, x, y); hh = madd(hh, x, y);
      i = madd(i, x, y); ii = madd(ii, x, y); j = madd(j, x, y); jj = madd(jj, x, y);
    }
  } else {
    for (; count > 0; count--) {
      a = madd(a, x, y); aa = madd(aa, x, y); b = madd(b, x, y); bb = madd(bb, x, y);
      c = madd(c, x, y); cc = madd(cc, x, y); d = madd(d, x, y); dd = madd(dd, x, y);
      e = madd(e, x, y); ee = madd(ee, x, y); f = madd(f, x, y); ff = madd(ff, x, y);
      g = madd(g, x, y); gg = madd(gg, x, y); h = madd(h, x, y); hh = madd(hh, x, y);
      i = madd(i, x, y); ii = madd(ii, x, y); j = madd(j, x, y); jj = madd(jj, x, y);
      k = madd(k, x, y); kk = madd(kk, x, y); l = madd(l, x, y); ll = madd(ll, x, y);
    }
  }
  storePair(target, a, aa);
  storePair(target + 32, b, bb);
  storePair(target + 64, c, cc);
  storePair(target + 96, d, dd);
  storePair(target + 128, e, ee);
  storePair(target + 160, f, ff);
  storePair(target + 192, g, gg);
  storePair(target + 224, h, hh);
  storePair(target + 256, i, ii);
  storePair(target + 288, j, jj);
  storePair(target + 320, k, kk);
  storePair(target + 352, l, ll);
}
