import { describe, expect, it } from "vitest";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBFloat16,
  float32ToFloat16,
} from "../../src/formats/half.ts";

/** The definition of binary16 (IEEE 754), in f64 arithmetic. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

describe("float16ToFloat32", () => {
  it("is right for all 65536 values", () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const expected = Array.from(all, float16);
    const wrong = [...float16ToFloat32(all)].flatMap((value, i) =>
      Object.is(value, expected[i]) ? [] : [i],
    );
    expect(wrong).toEqual([]);
  });
});

describe("bfloat16ToFloat32", () => {
  it("is the upper half of an f32", () => {
    const halves = Uint16Array.of(0x3f80, 0xc000, 0x8000, 0x7f80, 0x7fc0, 0x0001, 0x4049);
    expect([...bfloat16ToFloat32(halves)]).toEqual([1, -2, -0, Infinity, NaN, 2 ** -133, 3.140625]);
  });
});

/** The 16-bit numbers that are finite and not negative, ascending, as f64. */
const finite = {
  float16: Array.from({ length: 0x7c00 }, (_, bits) => float16(bits)),
  bfloat16: Array.from(bfloat16ToFloat32(Uint16Array.from({ length: 0x7f80 }, (_, bits) => bits))),
};

describe.each([
  ["float16", float32ToFloat16],
  ["bfloat16", float32ToBFloat16],
] as const)("rounding to %s", (format, round) => {
  const values = finite[format];
  const largest = values.length - 1;
  /** What bits an f32 rounds to, and what its negative does. */
  const bitsOf = (value: number): number => {
    const [positive, negative] = round(Float32Array.of(value, -value));
    expect(negative, String(value)).toBe(positive | 0x8000);
    return positive;
  };

  it("gives each of its own numbers back", () => {
    const wrong = values.flatMap((value, bits) => (round(Float32Array.of(value))[0] === bits ? [] : [bits]));
    expect(wrong).toEqual([]);
  });

  it("goes to the nearest, and between two to the even one", () => {
    for (let bits = 0; bits < largest; bits += bits < 100 ? 1 : 61) {
      const middle = Math.fround((values[bits] + values[bits + 1]) / 2);
      // Where f32 has no number between them there is nothing to round.
      if (middle === values[bits] || middle === values[bits + 1]) continue;
      const step = new Float32Array(
        new Uint32Array(new Float32Array([middle]).buffer).map((word) => word + 1).buffer,
      )[0];
      const below = new Float32Array(
        new Uint32Array(new Float32Array([middle]).buffer).map((word) => word - 1).buffer,
      )[0];
      expect(bitsOf(middle), String(middle)).toBe(bits + (bits % 2));
      expect(bitsOf(step), String(step)).toBe(bits + 1);
      expect(bitsOf(below), String(below)).toBe(bits);
    }
  });

  it("keeps zeros, infinities and NaN, and overflows to infinity", () => {
    const infinity = largest + 1;
    expect(bitsOf(0)).toBe(0);
    expect(bitsOf(Number.POSITIVE_INFINITY)).toBe(infinity);
    expect(bitsOf(2 ** 127 * 1.9999999)).toBe(infinity);
    const nan = round(Float32Array.of(Number.NaN))[0];
    expect(nan & infinity).toBe(infinity);
    expect(nan & 0x7fff).toBeGreaterThan(infinity);
    if (format === "float16") expect([65519.996, 65520].map(bitsOf)).toEqual([0x7bff, infinity]);
  });

  it("reads a view of a larger array", () => {
    expect(round(Float32Array.of(5, 1, 2).subarray(1))).toEqual(round(Float32Array.of(1, 2)));
  });
});
