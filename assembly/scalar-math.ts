// A few functions of one f64 number, for where f32 is too little. A runtime's Math is of no use, since its last bits
// differ; AssemblyScript's is as exact as this, but its tables would be a third of the binary as it goes over a network.
//
//   log      x = 2ᵉ·m with m in [√½, √2), then 2·artanh(s) with s = (m − 1)/(m + 1)
//   cosine   less the nearest multiple k of π/2 (Cody & Waite), then cosine's or sine's series
//   power    of a whole number, by squaring
//
// The series are Taylor's, up to where the next term is below half a unit in the last place.

// Constants in two parts: the first has 32 bits, so that its product with a small whole number is exact.
const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;
const HALF_PI_HIGH: f64 = 1.5707963267341256;
const HALF_PI_LOW: f64 = 6.077100506506192e-11;
const SQRT_HALF: i64 = 0x3fe6a09e667f3bcd;

/** The natural logarithm of a positive normal number. */
export function log(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  const exponent = (bits - SQRT_HALF) >> 52;
  const m = reinterpret<f64>(bits - (exponent << 52));
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let p: f64 = 1.0 / 21;
  p = p * z + 1.0 / 19;
  p = p * z + 1.0 / 17;
  p = p * z + 1.0 / 15;
  p = p * z + 1.0 / 13;
  p = p * z + 1.0 / 11;
  p = p * z + 1.0 / 9;
  p = p * z + 1.0 / 7;
  p = p * z + 1.0 / 5;
  p = p * z + 1.0 / 3;
  const e = <f64>exponent;
  return e * LN2_HIGH + (2 * (s + s * (z * p)) + e * LN2_LOW);
}

/** cos(x), for |x| up to 10⁵. */
export function cosine(x: f64): f64 {
  return turned(x, 0);
}

/** sin(x) = cos(x + 3π/2), likewise. */
export function sine(x: f64): f64 {
  return turned(x, 3);
}

/** cos(x + quarters·π/2). */
function turned(x: f64, quarters: i32): f64 {
  const k = nearest(x * (2 / Math.PI));
  const r = x - k * HALF_PI_HIGH - k * HALF_PI_LOW;
  const z = r * r;
  const quarter = (<i32>k + quarters) & 3;
  let y: f64;
  if (quarter & 1) {
    let p: f64 = 1.0 / (17 * 16);
    p = (1 - z * p) * (1.0 / (15 * 14));
    p = (1 - z * p) * (1.0 / (13 * 12));
    p = (1 - z * p) * (1.0 / (11 * 10));
    p = (1 - z * p) * (1.0 / (9 * 8));
    p = (1 - z * p) * (1.0 / (7 * 6));
    p = (1 - z * p) * (1.0 / (5 * 4));
    p = (1 - z * p) * (1.0 / (3 * 2));
    y = r - r * (z * p);
  } else {
    let p: f64 = 1.0 / (18 * 17);
    p = (1 - z * p) * (1.0 / (16 * 15));
    p = (1 - z * p) * (1.0 / (14 * 13));
    p = (1 - z * p) * (1.0 / (12 * 11));
    p = (1 - z * p) * (1.0 / (10 * 9));
    p = (1 - z * p) * (1.0 / (8 * 7));
    p = (1 - z * p) * (1.0 / (6 * 5));
    p = (1 - z * p) * (1.0 / (4 * 3));
    y = 1 - z * ((1 - z * p) / 2);
  }
  return quarter == 1 || quarter == 2 ? -y : y;
}

/** baseⁿ, for n ≥ 0. */
export function power(base: f64, n: i32): f64 {
  let result: f64 = 1;
  for (let square = base; n > 0; n >>= 1) {
    if (n & 1) result *= square;
    square *= square;
  }
  return result;
}
