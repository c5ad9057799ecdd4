/*
 * Line charts as standalone SVG: one file that a browser, a README or a word processor shows, light or dark as its
 * reader's system is. It knows nothing of models; scales and paths are d3's.
 */
import { line, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";
import { ConfigError } from "../errors.ts";
import { type Axis, type AxisOptions, createAxis, formatNumber } from "./axis.ts";
import { PALETTE, style } from "./style.ts";
import { element, escapeText, round, textWidth } from "./svg.ts";

export type { AxisOptions };

export interface Series {
  name: string;
  /** [x, y], drawn in this order; a dot each unless there are many. */
  points: readonly (readonly [number, number])[];
  /** A dashed line without dots, for what is compared with. */
  dashed?: boolean;
  /** A number of the palette's colours, for series that belong together, or grey. Default: the series' own number. */
  color?: number | "grey";
}

export interface LineChartOptions {
  title: string;
  subtitle?: string;
  x: AxisOptions;
  y: AxisOptions;
  series: readonly Series[];
}

const WIDTH = 720;
const MARGIN = 24;
const PLOT_HEIGHT = 300;
/** Beyond so many points, dots would hide the line. */
const MOST_DOTS = 32;
const SHAPES = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond];

/**
 * The chart as the text of an SVG file, 720 wide. Colours keep apart for colour-blind readers, and dots have shapes
 * too; a screen reader gets the title and the ends of every line.
 * @throws ConfigError if there is no series, a series has no point, or a number is not finite, or not positive on a
 *   logarithmic axis.
 */
export function lineChartSVG(options: LineChartOptions): string {
  const { title, subtitle, series } = options;
  check(options);
  const points = series.flatMap((one) => one.points);
  const left = MARGIN;
  let top = MARGIN;
  const parts: string[] = [];
  const write = (text: string, name: string, lineHeight: number): void => {
    parts.push(element("text", { class: name, x: left, y: top + 0.8 * lineHeight }, escapeText(text)));
    top += lineHeight;
  };
  write(title, "title", 24);
  if (subtitle) write(subtitle, "subtitle", 20);
  top += 8;
  const legend = drawLegend(series, left, top);
  parts.push(legend.content);
  top += legend.height + 10;
  write(options.y.label, "label", 30);

  const y = createAxis(options.y, valuesOf(points, 1), [top + PLOT_HEIGHT, top], PLOT_HEIGHT / 50);
  const gutter = Math.max(0, ...y.ticks.map(({ text }) => textWidth(text, 12))) + 10;
  const right = WIDTH - MARGIN;
  const x = createAxis(options.x, valuesOf(points, 0), [left + gutter, right - 10], 8);
  parts.push(drawAxes(x, y, left + gutter, right, top + PLOT_HEIGHT));
  const labelPlace = { class: "label", x: right, y: top + PLOT_HEIGHT + 42, "text-anchor": "end" };
  parts.push(element("text", labelPlace, escapeText(options.x.label)));
  // What is compared with lies below what is measured.
  const order = series
    .map((one, i) => ({ one, i }))
    .sort((a, b) => Number(!!b.one.dashed) - Number(!!a.one.dashed));
  parts.push(...order.map(({ one, i }) => drawSeries(one, i, x, y)));

  const height = top + PLOT_HEIGHT + 42 + MARGIN;
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      class: "line-chart",
      role: "img",
      viewBox: `0 0 ${WIDTH} ${height}`,
      width: WIDTH,
      height,
    },
    [
      element("title", {}, escapeText(title)),
      element("desc", {}, escapeText(describe(options))),
      element("style", {}, style()),
      element("rect", { class: "paper", width: WIDTH, height, rx: 8 }),
      ...parts,
    ].join("\n"),
  );
}

function check({ x, y, series }: LineChartOptions): void {
  if (series.length === 0) throw new ConfigError("a chart needs at least one series, got none");
  for (const axis of [x, y]) for (const tick of axis.ticks ?? []) checkValue("ticks", axis, tick);
  for (const { name, points } of series) {
    const where = `series ${JSON.stringify(name)}`;
    if (points.length === 0) throw new ConfigError(`${where} has no points`);
    for (const [i, point] of points.entries()) {
      checkValue(`${where}, point ${i}`, x, point[0]);
      checkValue(`${where}, point ${i}`, y, point[1]);
    }
  }
}

function checkValue(where: string, { label, log }: AxisOptions, value: number): void {
  if (Number.isFinite(value) && !(log && value <= 0)) return;
  const expected = log ? "a positive number, as its axis is logarithmic" : "a finite number";
  throw new ConfigError(`${where}, ${label}: expected ${expected}, got ${value}`);
}

function valuesOf(points: readonly (readonly [number, number])[], coordinate: 0 | 1): number[] {
  return points.map((point) => point[coordinate]);
}

/** Samples of the lines with their names, in as many rows as they need. */
function drawLegend(
  series: readonly Series[],
  left: number,
  top: number,
): { content: string; height: number } {
  const sample = 26;
  const rowHeight = 20;
  let x = left;
  let y = top + rowHeight / 2;
  const items = series.map((one, i) => {
    const width = sample + 8 + textWidth(one.name, 13);
    if (x > left && x + width > WIDTH - MARGIN) {
      x = left;
      y += rowHeight;
    }
    const drawn = element(
      "g",
      { class: classOf(one, i), transform: `translate(${round(x)},${round(y)})` },
      element("path", { class: one.dashed ? "line dashed" : "line", d: `M0,0H${sample}` }) +
        (hasDots(one) ? dot(i, sample / 2, 0) : "") +
        element("text", { class: "name", x: sample + 8, y: 4.5 }, escapeText(one.name)),
    );
    x += width + 22;
    return drawn;
  });
  return { content: items.join("\n"), height: y + rowHeight / 2 - top };
}

function drawAxes(x: Axis, y: Axis, left: number, right: number, bottom: number): string {
  const rows = y.ticks.map(({ at, text }) => {
    const label = element(
      "text",
      { class: "tick", x: left - 10, y: round(at + 4), "text-anchor": "end" },
      escapeText(text),
    );
    return element("path", { class: "grid", d: `M${round(left)},${round(at)}H${right}` }) + label;
  });
  const columns = x.ticks.map(({ at, text }) => {
    const place = { class: "tick", x: round(at), y: bottom + 20, "text-anchor": "middle" };
    const mark = element("path", { class: "axis", d: `M${round(at)},${bottom}V${bottom + 5}` });
    return mark + element("text", place, escapeText(text));
  });
  const base = element("path", { class: "axis", d: `M${round(left)},${bottom}H${right}` });
  return element("g", {}, [...rows, base, ...columns].join("\n"));
}

function drawSeries(one: Series, index: number, x: Axis, y: Axis): string {
  const path = line<readonly [number, number]>(
    ([px]) => x.scale(px),
    ([, py]) => y.scale(py),
  );
  const drawn = element("path", { class: one.dashed ? "line dashed" : "line", d: path(one.points) ?? "" });
  const dots = hasDots(one)
    ? one.points.map(([px, py]) => {
        const note = `${one.name}: ${formatNumber(px)}, ${formatNumber(py)}`;
        return dot(index, x.scale(px), y.scale(py), element("title", {}, escapeText(note)));
      })
    : [];
  return element("g", { class: `series ${classOf(one, index)}` }, [drawn, ...dots].join("\n"));
}

/** A single point would have no line, so that it gets a dot in any case. */
function hasDots({ points, dashed }: Series): boolean {
  return points.length === 1 || (!dashed && points.length <= MOST_DOTS);
}

function dot(index: number, x: number, y: number, content = ""): string {
  const d = symbol(SHAPES[index % SHAPES.length], 64)() ?? "";
  return element("path", { class: "dot", transform: `translate(${round(x)},${round(y)})`, d }, content);
}

function classOf({ color }: Series, index: number): string {
  return color === "grey" ? "grey" : `color-${(color ?? index) % PALETTE.length}`;
}

function describe({ x, y, series }: LineChartOptions): string {
  const lines = series.map(({ name, points }) => {
    const [first, last] = [points[0], points[points.length - 1]];
    const at = ([px, py]: readonly [number, number]): string => `${formatNumber(py)} at ${formatNumber(px)}`;
    return `${name}: ${first === last ? at(first) : `from ${at(first)} to ${at(last)}`}.`;
  });
  return `Line chart of ${y.label} against ${x.label}. ${lines.join(" ")}`;
}
