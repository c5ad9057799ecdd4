import { expect } from "vitest";

/** max|a − b| ≤ relativeToMax · max|b|. NaN and infinities must stand in the same places. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  relativeToMax: number,
  what = "value",
): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  let largest = 0;
  let worst = -1;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]));
    if (Object.is(actual[i], expected[i])) continue;
    const here = Math.abs(actual[i] - expected[i]);
    // NaN on one side only compares false, and is worse than any number.
    if (here <= difference) continue;
    worst = i;
    difference = Number.isNaN(here) ? Number.POSITIVE_INFINITY : here;
    if (difference === Number.POSITIVE_INFINITY) break;
  }
  if (difference <= relativeToMax * largest) return;
  const bound = `${relativeToMax} of the largest, ${largest}`;
  expect.fail(`${what}[${worst}]: expected ${expected[worst]} within ${bound}, got ${actual[worst]}`);
}

/** The same bits everywhere: −0 is not 0, and one NaN is not another. */
export function expectSameBits(actual: Float32Array, expected: Float32Array, what = "value"): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  const a = new Int32Array(actual.buffer, actual.byteOffset, actual.length);
  const b = new Int32Array(expected.buffer, expected.byteOffset, expected.length);
  for (let i = 0; i < b.length; i++) {
    if (a[i] === b[i]) continue;
    expect.fail(`${what}[${i}]: expected the bits of ${expected[i]}, got ${actual[i]}`);
  }
}
