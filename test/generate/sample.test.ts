import { describe, expect, it } from "vitest";
import { argmax, type SampleOptions, sample } from "../../src/generate/sample.ts";

/** Exact in f32, so that sums are what they look like. */
const PROBABILITIES = Float32Array.of(0.125, 0.5, 0, 0.25, 0.125);
const DRAWS = 8192;

/** How often each id comes when u takes every value of a fine grid once: no chance is left in it. */
function shares(options: SampleOptions, probabilities = PROBABILITIES): number[] {
  const counts = new Array<number>(probabilities.length).fill(0);
  for (let i = 0; i < DRAWS; i++) counts[sample(probabilities, i / DRAWS, options)]++;
  return counts.map((count) => count / DRAWS);
}

describe("sample", () => {
  it.each<[string, SampleOptions, number[]]>([
    ["no limit", {}, [0.125, 0.5, 0, 0.25, 0.125]],
    ["topK 1: the likeliest", { topK: 1 }, [0, 1, 0, 0, 0]],
    ["topK 2", { topK: 2 }, [0, 2 / 3, 0, 1 / 3, 0]],
    ["topK 3: the smaller id of two that tie", { topK: 3 }, [1 / 7, 4 / 7, 0, 2 / 7, 0]],
    ["topK 4", { topK: 4 }, [0.125, 0.5, 0, 0.25, 0.125]],
    ["topK beyond the vocabulary: all", { topK: 99 }, [0.125, 0.5, 0, 0.25, 0.125]],
    ["topP small: the likeliest", { topP: 0.01 }, [0, 1, 0, 0, 0]],
    ["topP just reached", { topP: 0.5 }, [0, 1, 0, 0, 0]],
    ["topP just passed", { topP: 0.51 }, [0, 2 / 3, 0, 1 / 3, 0]],
    ["topP 0.8", { topP: 0.8 }, [1 / 7, 4 / 7, 0, 2 / 7, 0]],
    ["topP 1: all", { topP: 1 }, [0.125, 0.5, 0, 0.25, 0.125]],
    ["topK is the tighter one", { topK: 1, topP: 0.8 }, [0, 1, 0, 0, 0]],
    ["topP is the tighter one", { topK: 4, topP: 0.6 }, [0, 2 / 3, 0, 1 / 3, 0]],
  ])("%s", (_, options, expected) => {
    for (const [id, share] of shares(options).entries()) {
      expect(Math.abs(share - expected[id])).toBeLessThanOrEqual(2 / DRAWS);
    }
  });

  it("never takes what has probability 0, at either end of u", () => {
    const largest = 1 - 2 ** -24;
    for (const options of [{}, { topK: 5 }, { topP: 0.9 }]) {
      expect(sample(Float32Array.of(0, 1, 0), 0, options)).toBe(1);
      expect(sample(Float32Array.of(0, 1, 0), largest, options)).toBe(1);
      // Rounding may leave the sum below 1.
      expect(sample(Float32Array.of(0.25, 0.5, 0), largest, options)).not.toBe(2);
    }
  });

  it("follows a distribution over many tokens", () => {
    const raw = Float32Array.from({ length: 200 }, (_, id) => 1 / (id + 1));
    const total = raw.reduce((sum, value) => sum + value, 0);
    const probabilities = raw.map((value) => value / total);
    for (const options of [{}, { topK: 200 }]) {
      for (const [id, share] of shares(options, probabilities).entries()) {
        expect(Math.abs(share - probabilities[id])).toBeLessThanOrEqual(1.5 / DRAWS);
      }
    }
  });
});

describe("argmax", () => {
  it("is the first of the largest", () => {
    expect(argmax(PROBABILITIES)).toBe(1);
    expect(argmax(Float32Array.of(0.25, 0.375, 0.375))).toBe(1);
    expect(argmax(Float32Array.of(1))).toBe(0);
  });
});
