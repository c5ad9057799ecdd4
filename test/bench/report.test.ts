import { describe, expect, test } from "vitest";
import { formatJson, formatMarkdown, type Row } from "../../bench/report.ts";

const circumstances = { machine: "a machine", runtime: "a runtime", date: "2020-02-29" };
const train = { name: "W1/train-lstm", title: "training step", unit: "ms", flops: 6e8 };
const rows: Row[] = [
  { name: "peak", title: "peak", build: "relaxed", threads: 1, median: 60.04, unit: "GFLOP/s" },
  { ...train, build: "reference", threads: 1, median: 123.456789, milliseconds: 123.456789 },
  { ...train, build: "relaxed", threads: 1, median: 12.5, ofPeak: 0.804, vsReference: 9.8765 },
  { ...train, build: "relaxed", threads: 2, median: 6.789, ofPeak: 0.7, vsReference: 18.18 },
  { name: "W8/tanh", title: "tanh", build: "relaxed", threads: 1, median: 0.4321, unit: "ns/element" },
];

describe("Markdown", () => {
  test("has a line a workload and a column a build and number of threads", () => {
    expect(formatMarkdown(rows, circumstances)).toBe(
      [
        "Peak of one thread: 60.0 GFLOP/s (relaxed). In brackets: share of the peak of all threads, times as fast as TypeScript.",
        "",
        "|  | workload | unit | TypeScript | relaxed | relaxed, 2 threads |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        "| W1 | training step | ms | 123 | 12.5 (80 %, 9.88×) | 6.79 (70 %, 18.2×) |",
        "| W8 | tanh | ns/element |  | 0.432 |  |",
        "",
        "a machine; a runtime; 2020-02-29",
      ].join("\n"),
    );
  });

  test("has a table of its own for W9, with the cost of an operation", () => {
    const size = {
      name: "W9/H=32",
      title: "H=32",
      unit: "ms",
      flops: 2e9,
      bytes: 5e8,
      build: "relaxed" as const,
    };
    const growth: Row[] = [
      { ...size, threads: 1, median: 50, milliseconds: 50, ofPeak: 0.8 },
      { ...size, threads: 2, median: 25, milliseconds: 25, ofPeak: 0.5 },
    ];
    expect(formatMarkdown(growth, circumstances).split("\n")[2]).toBe(
      "| W9 | H=32 | 2.00 | 500 | 50.0 | 1.25 | 10.0 | 25.0 | 2.00 | 20.0 |",
    );
  });

  test("says which benchmark failed, and why", () => {
    const failed: Row = { ...train, build: "simd", threads: 1, median: Number.NaN, error: "out of memory" };
    const text = formatMarkdown([failed], circumstances);
    expect(text).toContain("| W1 | training step | ms |  |");
    expect(text).toContain("W1/train-lstm failed: out of memory");
  });
});

test("JSON is an object a line, the circumstances first, figures with five digits", () => {
  const lines = formatJson(rows, circumstances)
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(1 + rows.length);
  expect(lines[0]).toEqual(circumstances);
  expect(lines[2]).toEqual({
    ...train,
    build: "reference",
    threads: 1,
    median: 123.46,
    milliseconds: 123.46,
  });
});
