import { DOMParser, type Element } from "@xmldom/xmldom";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { formatNumber } from "../../src/plot/axis.ts";
import { type LineChartOptions, lineChartSVG } from "../../src/plot/line-chart.ts";

const chart: LineChartOptions = {
  title: "Error by length",
  subtitle: "two cells",
  x: { label: "length T" },
  y: { label: "error", log: true },
  series: [
    { name: "LSTM", points: [[10, 0.5], [100, 0.05], [400, 0.0005]] }, // biome-ignore format: a table
    { name: "GRU", points: [[10, 0.3], [400, 0.3]] }, // biome-ignore format: a table
    { name: "guessing", points: [[10, 1], [400, 1]], dashed: true, color: "grey" }, // biome-ignore format: a table
  ],
};

/** @throws Error if it is not well-formed. */
function parse(svg: string): Element {
  const onError = (level: string, message: string): void => {
    // The charts put it where XML has no way to write a character.
    if (!message.startsWith("Unicode replacement character")) throw new Error(`${level}: ${message}`);
  };
  const root = new DOMParser({ onError }).parseFromString(svg, "image/svg+xml").documentElement;
  if (!root) throw new Error("no root element");
  return root;
}

function byClass(root: Element, name: string): Element[] {
  return Array.from(root.getElementsByTagName("*")).filter((element) =>
    (element.getAttribute("class") ?? "").split(" ").includes(name),
  );
}

const textOf = (element: Element): string => element.textContent ?? "";

/** The corners of a path of straight lines. */
function corners(path: Element): [number, number][] {
  return (path.getAttribute("d") ?? "")
    .slice(1)
    .split("L")
    .map((corner) => corner.split(",").map(Number) as [number, number]);
}

/** The series in the order of their names in the legend. */
function lines(root: Element): Map<string, [number, number][]> {
  const legend = byClass(root, "name").map((name) => ({
    name: textOf(name),
    color: (name.parentNode as Element).getAttribute("class"),
  }));
  return new Map(
    byClass(root, "series").map((group) => {
      const color = (group.getAttribute("class") ?? "").replace("series ", "");
      const name = legend.find((item) => item.color === color)?.name ?? color;
      return [name, corners(byClass(group, "line")[0])];
    }),
  );
}

describe("lineChartSVG", () => {
  it("is one SVG with title, description, labels and every series under its name", () => {
    const root = parse(lineChartSVG(chart));
    expect(root.namespaceURI).toBe("http://www.w3.org/2000/svg");
    expect(root.getAttribute("role")).toBe("img");
    expect((root.firstChild as Element).tagName).toBe("title");
    expect(textOf(root.firstChild as Element)).toBe("Error by length");
    expect(textOf(root.getElementsByTagName("desc")[0])).toBe(
      "Line chart of error against length T. LSTM: from 0.5 at 10 to 5·10⁻⁴ at 400. " +
        "GRU: from 0.3 at 10 to 0.3 at 400. guessing: from 1 at 10 to 1 at 400.",
    );
    expect(byClass(root, "label").map(textOf)).toEqual(["error", "length T"]);
    expect(byClass(root, "name").map(textOf)).toEqual(["LSTM", "GRU", "guessing"]);
    expect([...lines(root).keys()].sort()).toEqual(["GRU", "LSTM", "guessing"]);
    expect(byClass(root, "dashed").length).toBe(2);
    expect(textOf(root.getElementsByTagName("style")[0])).toContain("prefers-color-scheme: dark");
  });

  it("places points by value: linear in x, logarithmic in y, upwards, within the paper", () => {
    const root = parse(lineChartSVG(chart));
    const [a, b, c] = lines(root).get("LSTM") ?? [];
    expect((c[0] - a[0]) / (b[0] - a[0])).toBeCloseTo(390 / 90, 2);
    // One decade, then two.
    expect((c[1] - b[1]) / (b[1] - a[1])).toBeCloseTo(2, 2);
    expect(c[1]).toBeGreaterThan(a[1]);
    const [width, height] = ["width", "height"].map((name) => Number(root.getAttribute(name)));
    for (const [x, y] of [...lines(root).values()].flat()) {
      expect(x > 0 && x < width && y > 0 && y < height).toBe(true);
    }
  });

  it("has ticks at powers of ten, where the lines would be", () => {
    const ticks = byClass(parse(lineChartSVG(chart)), "tick");
    const y = ticks.filter((tick) => tick.getAttribute("text-anchor") === "end");
    expect(y.map(textOf)).toEqual(["0.001", "0.01", "0.1", "1"]);
    const at = y.map((tick) => Number(tick.getAttribute("y")));
    const guess = (lines(parse(lineChartSVG(chart))).get("guessing") ?? [])[0][1];
    expect(at[3] - 4).toBeCloseTo(guess, 1);
    expect(at[0] - at[1]).toBeCloseTo(at[2] - at[3], 1);
  });

  it("has ticks where it is told", () => {
    const x = { label: "T", log: true, ticks: [10, 50, 100, 400] };
    const ticks = byClass(parse(lineChartSVG({ ...chart, x })), "tick");
    const labels = ticks.filter((tick) => tick.getAttribute("text-anchor") === "middle").map(textOf);
    expect(labels).toEqual(["10", "50", "100", "400"]);
  });

  it("gives dots to few points, a single one too, and none to many", () => {
    const many = Array.from({ length: 200 }, (_, i) => [i, i] as const);
    const dots = (series: LineChartOptions["series"]): number =>
      byClass(parse(lineChartSVG({ ...chart, y: { label: "y" }, series })), "series")
        .map((group) => byClass(group, "dot").length)
        .reduce((a, b) => a + b);
    expect(dots(chart.series)).toBe(5);
    expect(dots([{ name: "many", points: many }])).toBe(0);
    expect(dots([{ name: "one", points: [[3, 0]] }])).toBe(1);
  });

  it("lets series share a colour", () => {
    const series = chart.series.map((one) => ({ ...one, color: 2 }));
    const groups = byClass(parse(lineChartSVG({ ...chart, series })), "series");
    expect(groups.map((group) => group.getAttribute("class"))).toEqual(Array(3).fill("series color-2"));
  });

  it("is well-formed for any text and any numbers, and keeps the text", () => {
    const text = fc.string({ unit: "binary" });
    const value = fc.double({ noNaN: true, min: 1e-45, max: 1e38 });
    const points = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 40 });
    const options = fc.record({
      title: text,
      x: fc.record({ label: text, log: fc.boolean() }),
      y: fc.record({ label: text, log: fc.boolean() }),
      series: fc.array(fc.record({ name: text, points }), { minLength: 1, maxLength: 8 }),
    });
    fc.assert(
      fc.property(options, (options) => {
        const svg = lineChartSVG(options);
        const root = parse(svg);
        expect(byClass(root, "series").length).toBe(options.series.length);
        // Text is escaped, so that a < begins a tag.
        expect(svg).not.toMatch(/<[^>]*(NaN|Infinity|undefined)/);
      }),
      { numRuns: 60 },
    );
    const hostile = `</title><script>"'&\u0000\ud800`;
    const root = parse(lineChartSVG({ ...chart, title: hostile }));
    expect(textOf(root.firstChild as Element)).toBe(`</title><script>"'&\ufffd\ufffd`);
    expect(root.getElementsByTagName("script").length).toBe(0);
  });

  it.each<[string, LineChartOptions["series"], RegExp]>([
    ["no series", [], /at least one series/],
    ["an empty series", [{ name: "RNN", points: [] }], /"RNN" has no points/],
    ["zero on a logarithmic axis", [{ name: "RNN", points: [[0, 1], [1, 0]] }], /"RNN", point 1, error: .*positive.* got 0/], // biome-ignore format: a table
    [
      "infinity",
      [{ name: "RNN", points: [[Number.POSITIVE_INFINITY, 1]] }],
      /length T: expected a finite number, got Infinity/,
    ],
    ["NaN", [{ name: "RNN", points: [[1, Number.NaN]] }], /error: .* got NaN/],
  ])("refuses %s", (_, series, message) => {
    const draw = () => lineChartSVG({ ...chart, series });
    expect(draw).toThrow(ConfigError);
    expect(draw).toThrow(message);
  });
});

it.each<[boolean, number, number]>([
  [false, 1.00001, 1.00002],
  [false, 100_000, 100_020],
  [false, 1e9, 1e9 + 1],
  [true, 2, 2.04],
  [true, 1e-200, 1e200],
  [true, 5e-324, 1],
])("draws any numbers, with ticks that differ: log %s, %d to %d", (log, low, high) => {
  const points: [number, number][] = [
    [0, low],
    [1, high],
  ];
  const svg = lineChartSVG({ ...chart, y: { label: "y", log }, series: [{ name: "RNN", points }] });
  expect(svg).not.toMatch(/NaN|Infinity/);
  const texts = [...svg.matchAll(/text-anchor="end"[^>]*>([^<]+)</g)].map(([, text]) => text);
  expect(texts.length).toBeGreaterThan(2);
  expect(new Set(texts).size).toBe(texts.length);
});

it("refuses numbers that are too far apart", () => {
  const points: [number, number][] = [
    [0, -1e308],
    [1, 1e308],
  ];
  const draw = () => lineChartSVG({ ...chart, y: { label: "error" }, series: [{ name: "RNN", points }] });
  expect(draw).toThrow(ConfigError);
  expect(draw).toThrow("error: -1e+308 to 1e+308 is too far for an axis");
});

it("refuses a tick that its axis cannot have", () => {
  const y = { label: "error", log: true, ticks: [0, 1] };
  expect(() => lineChartSVG({ ...chart, y })).toThrow(/ticks, error: expected a positive number.* got 0/);
});

describe("the palette", () => {
  /** Relative luminance, as WCAG 2 defines it. */
  function luminance(colour: string): number {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  it("stands out from the paper, light and dark, by 3:1 or more", () => {
    const css = textOf(parse(lineChartSVG(chart)).getElementsByTagName("style")[0]);
    const [light, dark] = css.split("@media");
    for (const rules of [light, dark]) {
      const [, paper] = /\.paper \{ fill: (#\w{6})/.exec(rules) ?? [];
      const lines = [...rules.matchAll(/\.line \{ stroke: (#\w{6})/g)].map(([, colour]) => colour);
      expect(new Set(lines).size).toBe(7);
      for (const colour of lines) {
        const [low, high] = [luminance(colour), luminance(paper)].sort((a, b) => a - b);
        expect((high + 0.05) / (low + 0.05), colour).toBeGreaterThanOrEqual(3);
      }
    }
  });
});

describe("formatNumber", () => {
  it.each([
    [0, "0"],
    [0.25, "0.25"],
    [-1.5, "-1.5"],
    [0.001, "0.001"],
    [0.30000000000000004, "0.3"],
    [20000, "20,000"],
    [1e-5, "10⁻⁵"],
    [2.656e-5, "2.656·10⁻⁵"],
    [1e21, "10²¹"],
  ])("%f is %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});
