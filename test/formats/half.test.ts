import { describe, expect, it } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32 } from "../../src/formats/half.ts";

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
