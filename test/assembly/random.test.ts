import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { RandomArgs } from "../../src/engine/layouts.ts";
import { philox4x32, type Words2, type Words4 } from "../../src/reference/philox.ts";
import { expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, runReversed } from "../helpers/place.ts";

type Kernel = "randomUniform" | "randomNormal" | "dropoutMask";

const seed = { seedLow: 0x12345678, seedHigh: 0x1abcd };
const MANY = 1 << 18;
const all = 0xffffffff;

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  interface Draw {
    count: number;
    first: number;
    second: number;
    parts?: number;
    blockLow?: number;
    blockHigh?: number;
  }

  function draw(kernel: Kernel, options: Draw): Float32Array {
    const { count, first, second, parts = 1, blockLow = 0, blockHigh = 0 } = options;
    return engine.infer(() => {
      const target = place(engine, count);
      const scratch = place(engine, 4);
      const args = engine.args(RandomArgs, {
        target: target.pointer,
        count,
        ...seed,
        blockLow,
        blockHigh,
        first,
        second,
        scratch: scratch.pointer,
      });
      runReversed(parts, (part) => engine.kernels[kernel](args, part, parts));
      scratch.read();
      return target.read();
    });
  }

  it.each([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [[all, all, all, all], [all, all], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
  ] as [Words4, Words2, string][])(
    "philox gives Random123's known answer for counter %j, key %j",
    (counter, key, answer) => {
      const words = engine.infer(() => {
        const target = place(engine, 4);
        engine.kernels.philox(target.pointer, ...counter, ...key);
        return [...new Uint32Array(target.read().buffer)];
      });
      expect(words.map((word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(answer);
    },
  );

  it("uniform numbers are philox's words, across the counter's carry too", () => {
    const expected = [
      [all, 5],
      [0, 6],
    ].flatMap(([low, high]) => philox4x32([low, high, 0, 0], [seed.seedLow, seed.seedHigh]));
    const actual = draw("randomUniform", { count: 8, first: 0, second: 1, blockLow: all, blockHigh: 5 });
    expect([...actual]).toEqual(expected.map((word) => (word >>> 8) * 2 ** -24));
  });

  it("uniform numbers have their bounds and moments", () => {
    const values = draw("randomUniform", { count: MANY, first: -2, second: 4 });
    expect(values.every((value) => value >= -2 && value < 4)).toBe(true);
    const { mean, variance } = moments(values);
    // Six standard errors: the deviation is 6/√12, the error of the variance √(4/45)·3².
    expect(Math.abs(mean - 1)).toBeLessThan((6 * (6 / Math.sqrt(12))) / Math.sqrt(MANY));
    expect(Math.abs(variance - 3)).toBeLessThan((6 * Math.sqrt(4 / 45) * 9) / Math.sqrt(MANY));
  });

  it("normal numbers are Box and Muller's of philox's words, to the last bit of an f32", () => {
    const values = draw("randomNormal", { count: MANY, first: 0, second: 1 });
    const key: Words2 = [seed.seedLow, seed.seedHigh];
    for (let i = 0; i < MANY; i += 4) {
      const words = philox4x32([i / 4, 0, 0, 0], key);
      for (const lane of [0, 2]) {
        const radius = Math.sqrt(-2 * Math.log((words[lane] + 1) * 2 ** -32));
        const angle = 2 * Math.PI * (words[lane + 1] * 2 ** -32);
        for (const [place, exact] of [radius * Math.cos(angle), radius * Math.sin(angle)].entries()) {
          const error = Math.abs(values[i + lane + place] - exact);
          // Half a unit in the last place of an f32, and of what the f64 functions leave of an angle.
          if (error <= Math.abs(exact) * 2 ** -24 * 1.000001 + 2 ** -50) continue;
          expect.fail(`number ${i + lane + place}: expected ${exact}, got ${values[i + lane + place]}`);
        }
      }
    }
  });

  it("the cosine is exact to f64, and even", () => {
    const { cosine } = engine.kernels;
    for (let i = 0; i <= 100_000; i++) {
      const x = (i / 100_000) * 30;
      const exact = Math.cos(x);
      if (Math.abs(cosine(x) - exact) <= Math.abs(exact) * 2 ** -51 + 2 ** -53 * x) continue;
      expect.fail(`cosine(${x}): expected ${exact}, got ${cosine(x)}`);
    }
    expect(cosine(-1)).toBe(cosine(1));
    expect(cosine(0)).toBe(1);
    expect(cosine(Math.PI)).toBe(-1);
  });

  it("normal numbers have their moments", () => {
    const values = draw("randomNormal", { count: MANY, first: 3, second: 2 });
    const { mean, variance, skewness, kurtosis } = moments(values);
    const six = 6 / Math.sqrt(MANY);
    expect(Math.abs(mean - 3)).toBeLessThan(six * 2);
    expect(Math.abs(variance - 4)).toBeLessThan(six * 4 * Math.SQRT2);
    expect(Math.abs(skewness)).toBeLessThan(six * Math.sqrt(6));
    expect(Math.abs(kurtosis - 3)).toBeLessThan(six * Math.sqrt(24));
  });

  it.each([0, 0.1, 0.5, 0.9])("a dropout mask has a share of %f zeros", (p) => {
    const kept = 1 / (1 - p);
    const mask = draw("dropoutMask", { count: MANY, first: p, second: kept });
    const zeros = mask.reduce((count, value) => count + Number(value === 0), 0);
    expect(mask.every((value) => value === 0 || value === Math.fround(kept))).toBe(true);
    expect(Math.abs(zeros / MANY - p)).toBeLessThanOrEqual(6 * Math.sqrt((p * (1 - p)) / MANY));
  });

  it.each(["randomUniform", "randomNormal", "dropoutMask"] as const)(
    "%s gives the same bits in any parts and pieces",
    (kernel) => {
      const options = { first: 0.25, second: 1.5 };
      const whole = draw(kernel, { ...options, count: 10001 });
      expectSameBits(draw(kernel, { ...options, count: 10001, parts: 3 }), whole, "3 parts");
      const pieces = [0, 4000, 8000].map((from) =>
        draw(kernel, { ...options, count: Math.min(4000, 10001 - from), blockLow: from / 4 }),
      );
      expectSameBits(Float32Array.from(pieces.flatMap((piece) => [...piece])), whole, "pieces");
      for (const count of [1, 2, 3, 5]) {
        expectSameBits(draw(kernel, { ...options, count }), whole.subarray(0, count), `the first ${count}`);
      }
    },
  );
});

/** Central moments, the third and fourth standardized. */
function moments(values: Float32Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number) =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const variance = central(2);
  return {
    mean,
    variance,
    skewness: central(3) / variance ** 1.5,
    kurtosis: central(4) / variance ** 2,
  };
}
