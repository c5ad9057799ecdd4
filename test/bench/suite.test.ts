import { describe, expect, test } from "vitest";
import { matches } from "../../bench/filter.mjs";
import { NAMES, run } from "../../bench/suite.ts";

describe("the filter", () => {
  const chosen = (filter: string) => NAMES.filter((name) => matches(filter, name));

  test("chooses a workload by its number", () => {
    expect(chosen("W5")).toEqual(["W5/generate"]);
    expect(chosen("w1")).toEqual(["W1/train-lstm"]);
    expect(chosen("W7")).toHaveLength(7);
    for (let w = 1; w <= 9; w++) expect(chosen(`W${w}/`), `W${w}`).not.toHaveLength(0);
  });

  test("takes several parts of names, and everything if there are none", () => {
    expect(chosen("W5, sigmoid,,peak")).toEqual(["peak", "W5/generate", "W8/sigmoid"]);
    expect(chosen("")).toEqual(NAMES);
    expect(chosen(" , ")).toEqual(NAMES);
    expect(chosen("W10")).toEqual([]);
  });

  test("names each benchmark once", () => {
    expect(new Set(NAMES).size).toBe(NAMES.length);
  });
});

/** Milliseconds: the tests run in pages too, whose clocks are coarse. */
const SAMPLE = 20;

describe("a run", () => {
  test("gives rows as they come and again at the end, with shares of a measured peak", async () => {
    const seen: string[] = [];
    const rows = await run("W7/gemm-32x128", ({ build, name }) => seen.push(`${name} ${build}`), {
      sample: 1,
    });
    expect(seen.sort()).toEqual(rows.map(({ build, name }) => `${name} ${build}`).sort());
    const names = new Set(rows.map(({ name }) => name));
    expect(names).toEqual(new Set(["peak", "W7/gemm-32x128x512"]));
    const engine = rows.filter(({ name, build }) => name !== "peak" && build !== "reference");
    expect(engine.length).toBeGreaterThan(0);
    for (const { ofPeak, vsReference, median, milliseconds } of engine) {
      expect(ofPeak).toBeGreaterThan(0);
      expect(vsReference).toBeGreaterThan(0);
      expect(median * milliseconds! * 1e6).toBeCloseTo(2 * 32 * 128 * 512, 0);
    }
  });

  test("refuses a filter of which a part is in no name, and says what there is", async () => {
    await expect(run("W1, W10")).rejects.toThrow(/"W10": there are peak, W1\/train-lstm/);
  });

  test("stops at a signal", async () => {
    const controller = new AbortController();
    const stopped = run("W7/gemm-32x128", () => controller.abort(), {
      signal: controller.signal,
      sample: SAMPLE,
    });
    await expect(stopped).rejects.toThrow(/abort/i);
  });
});
