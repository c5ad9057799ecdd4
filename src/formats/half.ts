/** Widens the two 16-bit floating-point formats to f32; exact, since every value of either is an f32. */

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 mantissa bits. */
export function float16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const sign = halves[i] >>> 15;
    const exponent = (halves[i] >>> 10) & 0x1f;
    const mantissa = halves[i] & 0x3ff;
    if (exponent === 0) {
      // Zero or subnormal: mantissa · 2^-24.
      values[i] = (sign ? -mantissa : mantissa) / 16777216;
    } else {
      // 31 is infinity and NaN in f16, 255 in f32; other exponents move from bias 15 to bias 127.
      const widened = exponent === 31 ? 255 : exponent + 112;
      bits[i] = (sign << 31) | (widened << 23) | (mantissa << 13);
    }
  }
  return values;
}

/** bfloat16: the upper half of an f32. */
export function bfloat16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}
