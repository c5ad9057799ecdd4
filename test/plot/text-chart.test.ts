import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { MOST_SERIES, type TextChartOptions, textChart } from "../../src/plot/index.ts";

const drawn = (options: TextChartOptions): string[] =>
  stripVTControlCharacters(textChart(options)).split("\n");
/** The labels of the y axis, from the top. */
const labels = (lines: string[]): string[] => lines.slice(0, -1).map((line) => line.slice(0, 11).trim());

describe("textChart", () => {
  it("draws lines between the lowest and the highest number", () => {
    const lines = drawn({ series: [{ name: "a", values: [0, 1, 2, 4] }], height: 4 });
    expect(lines).toEqual([
      "       4.00 ┤  ╭",
      "       3.00 ┤  │",
      "       2.00 ┤ ╭╯",
      "       1.00 ┤╭╯",
      "       0.00 ┤╯",
      "             ── a",
    ]);
  });

  it("gives powers of ten equal distances, and leaves zeros out at the end", () => {
    const values = [1000, 0, 100, 10, 1, 0, 0];
    const lines = drawn({ series: [{ name: "a", values }], log: true, height: 3 });
    expect(labels(lines)).toEqual(["1,000", "100", "10", "1"]);
    // The one zero among the numbers lies at the bottom.
    expect(lines.slice(0, -1).map((line) => line.slice(12).trimEnd())).toEqual([
      "┤╮",
      "┤│╭╮",
      "┤││╰╮",
      "┤╰╯ ╰",
    ]);
  });

  it("fits many values into its width, each column the mean of its own", () => {
    const values = Array.from({ length: 1000 }, (_, i) => i % 2);
    const lines = drawn({ series: [{ name: "a", values }], width: 10, height: 2 });
    expect(labels(lines)).toEqual(["1.00", "0.50", "0.00"]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(26);
    const ends = drawn({ series: [{ name: "a", values: [0, 0, 100, 100] }], width: 2, height: 2 });
    expect(labels(ends)).toEqual(["100", "50", "0"]);
  });

  it("draws each series with a character of its own, the first on top, and names them", () => {
    const values = [1, 2, 3];
    const series = Array.from({ length: MOST_SERIES }, (_, i) => ({
      name: `s${i}`,
      values: values.map((v) => v + i),
    }));
    const lines = drawn({ series, note: "steps" });
    expect(lines.at(-1)?.trim()).toBe("── s0   ·· s1   ++ s2   xx s3   oo s4   ** s5   steps");
    const narrow = drawn({ series, width: 20 });
    expect(narrow.slice(-2)).toEqual([`${" ".repeat(13)}++ s2   xx s3`, `${" ".repeat(13)}oo s4   ** s5`]);
    for (const mark of ["·", "+", "x", "o", "*"]) expect(lines.slice(0, -1).join("")).toContain(mark);
    const same = drawn({
      series: [
        { name: "a", values },
        { name: "b", values },
      ],
    });
    expect(same.slice(0, -1).join("")).not.toContain("·");
  });

  it("shows a series that ends early, or is not drawn at all", () => {
    const lines = drawn({
      series: [
        { name: "a", values: [1, 10, 100] },
        { name: "b", values: [100, 0, 0] },
        { name: "c", values: [0] },
      ],
      log: true,
      height: 2,
    });
    expect(lines.slice(0, -1).map((line) => line.slice(12))).toEqual(["· ╭", "┤╭╯", "┤╯"]);
  });

  it.each([
    ["no series", []],
    ["too many", Array.from({ length: 7 }, () => ({ name: "a", values: [1] }))],
    ["nothing to draw", [{ name: "a", values: [] }]],
    ["a number that is not finite", [{ name: "a", values: [1, Number.NaN] }]],
  ])("refuses %s", (_, series) => {
    expect(() => textChart({ series })).toThrow(ConfigError);
  });

  it.each<[string, Omit<TextChartOptions, "series">, number[]]>([
    ["close together", {}, [1.00001, 1.00002]],
    ["close together, on a logarithmic axis", { log: true }, [2, 2.01, 2.04]],
    ["tiny", {}, [0, 1e-99]],
    ["huge", {}, [0, 1e14, 3e15]],
    ["far apart", { log: true }, [1e-30, 1, 1e30]],
  ])("tells numbers apart that are %s", (_, options, values) => {
    const lines = drawn({ ...options, series: [{ name: "a", values }] });
    expect(new Set(labels(lines)).size).toBe(lines.length - 1);
    expect(new Set(lines.slice(0, -1).map((line) => line.search("┤"))).size).toBe(1);
  });

  it("draws hundreds of thousands of numbers", () => {
    const values = Array.from({ length: 300_000 }, (_, i) => i + 1);
    expect(labels(drawn({ log: true, series: [{ name: "a", values }] })).at(-1)).not.toBe("");
  });

  it("keeps control characters in names from the terminal", () => {
    const lines = drawn({ series: [{ name: "a\nb\x1b[2J", values: [1, 2] }] });
    expect(lines.at(-1)).toContain("a b [2J");
  });
});
