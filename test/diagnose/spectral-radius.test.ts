import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spectralRadius } from "../../src/diagnose/spectral-radius.ts";
import { random } from "../helpers/random.ts";

/** The block-diagonal matrix of 1×1 blocks λ and 2×2 blocks r·(rotation by φ), whose eigenvalues are r·e^{±iφ}. */
function blocks(...parts: (number | { r: number; phi: number })[]): { n: number; a: Float64Array } {
  const n = parts.reduce((size: number, part) => size + (typeof part === "number" ? 1 : 2), 0);
  const a = new Float64Array(n * n);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "number") {
      a[at * n + at] = part;
      at++;
    } else {
      const [c, s] = [part.r * Math.cos(part.phi), part.r * Math.sin(part.phi)];
      a.set([c, -s], at * n + at);
      a.set([s, c], (at + 1) * n + at);
      at += 2;
    }
  }
  return { n, a };
}

/** L·A·L⁻¹ with L = I + vwᵀ, w ⟂ v: the same eigenvalues in a matrix that is far from normal. */
function disguise(a: Float64Array, n: number, stream: number): Float64Array {
  const v = random(n, stream, 1.5);
  const w = random(n, stream + 1, 1.5).map(Number);
  const share = w.reduce((sum, x, i) => sum + x * v[i], 0) / v.reduce((sum, x) => sum + x * x, 0);
  for (let i = 0; i < n; i++) w[i] -= share * v[i];
  const entry = (sign: number, i: number, j: number): number => Number(i === j) + sign * v[i] * w[j];
  const multiply = (x: (i: number, j: number) => number, y: (i: number, j: number) => number) => {
    const z = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) z[i * n + j] += x(i, k) * y(k, j);
    return z;
  };
  const left = multiply(
    (i, j) => entry(1, i, j),
    (i, j) => a[i * n + j],
  );
  return multiply(
    (i, j) => left[i * n + j],
    (i, j) => entry(-1, i, j),
  );
}

describe("spectralRadius", () => {
  it.each<[string, number[], number]>([
    ["1×1", [-3], 3],
    ["a diagonal", [1, 0, 0, 0, -4, 0, 0, 0, 2], 4],
    ["a rotation, scaled", [0, -0.8, 0.8, 0], 0.8],
    ["a complex pair off the axis", [1, -2, 3, 1], Math.sqrt(7)],
    ["zeros", new Array(16).fill(0), 0],
    [
      "a cycle of four, whose plain QR steps stand still",
      [0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
      1,
    ],
    ["a triangle, far from normal", [0.5, 1000, 1000, 0, 0.25, 1000, 0, 0, 0.125], 0.5],
    ["nilpotent", [0, 1, 0, 0, 0, 1, 0, 0, 0], 0],
    ["a companion matrix with roots 1, 2, 3", [6, -11, 6, 1, 0, 0, 0, 1, 0], 3],
    ["symmetric", [2, 1, 0, 1, 2, 1, 0, 1, 2], 2 + Math.SQRT2],
    ["huge numbers", [1e200, 2e200, 3e200, 4e200], 1e200 * (2.5 + Math.sqrt(8.25))],
    ["tiny numbers", [1e-200, 2e-200, 3e-200, 4e-200], 1e-200 * (2.5 + Math.sqrt(8.25))],
  ])("of %s", (_name, values, expected) => {
    const radius = spectralRadius(values, Math.sqrt(values.length));
    expect(Math.abs(radius - expected)).toBeLessThanOrEqual(1e-12 * expected);
  });

  it("is that of the blocks a matrix is made of, in disguise too", () => {
    const real = fc.double({ min: -2, max: 2, noNaN: true });
    const pair = fc.record({
      r: fc.double({ min: 0, max: 2, noNaN: true }),
      // Angles whose squares vanish are beyond the precision that is asked for here.
      phi: fc.double({ min: 0, max: 3.1, noNaN: true }).map((phi) => (phi < 1e-9 ? 0 : phi)),
    });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(real, pair), { minLength: 1, maxLength: 8 }),
        fc.nat(1000),
        (parts, stream) => {
          const { n, a } = blocks(...parts);
          const expected = Math.max(
            ...parts.map((part) => (typeof part === "number" ? Math.abs(part) : part.r)),
          );
          // Equal eigenvalues are as uncertain as the root of the rounding, or worse.
          expect(Math.abs(spectralRadius(a, n) - expected)).toBeLessThan(1e-6);
          expect(Math.abs(spectralRadius(disguise(a, n, stream), n) - expected)).toBeLessThan(2e-2);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("is exact for eigenvalues that lie apart, in a large disguise", () => {
    const parts = Array.from({ length: 30 }, (_, i) => ({ r: 0.05 + 0.03 * i, phi: (i * 2) % 3 }));
    const { n, a } = blocks(...parts, -0.3, 0.7);
    expect(spectralRadius(disguise(a, n, 1), n)).toBeCloseTo(0.05 + 0.03 * 29, 8);
  });

  it("is near √(n/3) for random numbers from −1 to 1", () => {
    const n = 100;
    expect(spectralRadius(random(n * n, 1), n) / Math.sqrt(n / 3)).toBeCloseTo(1, 0.7);
  });

  it("is NaN where a number is not finite", () => {
    expect(spectralRadius([1, Number.NaN, 0, 1], 2)).toBeNaN();
    expect(spectralRadius([Number.POSITIVE_INFINITY], 1)).toBeNaN();
  });
});
