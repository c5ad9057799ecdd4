/** The two 16-bit floating-point formats: widened to f32 (exact, since every value of either is an f32), and rounded. */

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

/** Rounds to the nearest binary16, ties to even, as PyTorch does; from 65520 on that is infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word, i) => {
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    // Infinity stays; NaN becomes a quiet one.
    if (magnitude >= 0x7f800000) return sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0);
    // Below 2^-14 f16 is a multiple of 2^-24; adding 0.5, whose last bit in f32 is 2^-24, rounds to one.
    if (magnitude < 0x38800000) return sign | ((Math.fround(Math.abs(values[i]) + 0.5) - 0.5) * 16777216);
    // From bias 127 to bias 15; a carry out of the mantissa moves to the next exponent, and at last to infinity.
    return sign | Math.min(0x7c00, roundShift(magnitude - 0x38000000, 13));
  });
}

/** Rounds to the nearest bfloat16, ties to even, as PyTorch does. */
export function float32ToBFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word) =>
    // Rounding could carry a NaN over to zero.
    (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : roundShift(word, 16),
  );
}

/** word / 2^shift, rounded to nearest, ties to even. */
function roundShift(word: number, shift: number): number {
  const isOdd = (word >>> shift) & 1;
  return (word + (1 << (shift - 1)) - 1 + isOdd) / (1 << shift);
}
