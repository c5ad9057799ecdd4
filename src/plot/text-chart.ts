/*
 * Line charts of characters, for terminals: asciichart draws them, and each line has a colour and, where there are no
 * colours, a character of its own.
 */
import asciichart from "asciichart";
import { ConfigError } from "../errors.ts";
import { formatNumber } from "./axis.ts";

export interface TextSeries {
  name: string;
  /** One number a place along the x axis, from its left end; it may end early. */
  values: readonly number[];
}

export interface TextChartOptions {
  /** At most {@link MOST_SERIES}. The first lies on top. */
  series: readonly TextSeries[];
  /** A logarithmic y axis: what is not above 0 is left out at a series' end, and drawn at the bottom elsewhere. */
  log?: boolean;
  /** What follows the legend. */
  note?: string;
  /** Columns of the lines, at most; with the labels 16 more. Default 64. */
  width?: number;
  /** Default 14. */
  height?: number;
}

const COLOURS = ["blue", "yellow", "green", "magenta", "cyan", "red"] as const;
/** What the lines of the series after the first are drawn with. */
const MARKS = ["", "·", "+", "x", "o", "*"];
/** asciichart's own, but that the axis looks the same where the number is 0 and where a line begins. */
const SYMBOLS = [..."┤┤╶╴─╰╭╮╯│"];
const LABEL_WIDTH = 11;

/** How many series a chart can tell apart. */
export const MOST_SERIES = COLOURS.length;

/**
 * The chart, with ANSI colours, as lines of at most width + 16 columns, but for a series with a longer name. Where there
 * are more values than columns, each column has the mean of its own (on a logarithmic axis their geometric mean).
 * @throws ConfigError if there is no series, too many, none with a number to draw, or a number that is not finite.
 */
export function textChart(options: TextChartOptions): string {
  const { series, log = false, note, width = 64, height = 14 } = options;
  if (series.length === 0 || series.length > MOST_SERIES) {
    throw new ConfigError(`a text chart has 1 to ${MOST_SERIES} series, got ${series.length}`);
  }
  const longest = Math.max(...series.map(({ values }) => values.length));
  const lines = series.map(({ values }) => columns(log ? logarithms(values) : [...values], longest, width));
  const drawn = lines.flat();
  if (drawn.length === 0 || !drawn.every(Number.isFinite)) {
    throw new ConfigError(
      `a text chart needs finite numbers to draw, got ${drawn.find((x) => !Number.isFinite(x)) ?? "none"}`,
    );
  }
  const [low, high] = [Math.min(...drawn), Math.max(...drawn)];
  // A line without height would be drawn at the axis' lower end, without a scale.
  const half = low === high ? 0.5 : 0;
  const label = labelsOf(low, high, height, log);
  const shown = [...lines.entries()].reverse().filter(([, line]) => line.length > 0);
  const chart = asciichart.plot(
    shown.map(([, line]) => line),
    {
      height,
      symbols: SYMBOLS,
      min: low - half,
      max: high + half,
      colors: shown.map(([i]) => asciichart[COLOURS[i]]),
      format: (value) => label(value).padStart(LABEL_WIDTH),
    },
  );
  const marked = series.reduce((text, _, i) => mark(text, i), chart).replace(/ +$/gm, "");
  const legend = series.map(({ name }, i) => {
    // One that breaks lines, or moves a terminal's cursor, would break the chart.
    return `${coloured(i, i === 0 ? "──" : MARKS[i].repeat(2))} ${name.replace(/\p{Cc}/gu, " ")}`;
  });
  return [marked, ...wrapped([...legend, ...(note ? [note] : [])], width)].join("\n");
}

/** How numbers between the two are written along the axis: with the digits that tell its lines apart, if there is room. */
function labelsOf(low: number, high: number, height: number, log: boolean): (value: number) => string {
  const span = high - low || 1;
  if (log) {
    const digits = Math.max(2, 1 - Math.floor(Math.log10(10 ** (span / height) - 1)));
    return (value) => fitting(Number((10 ** value).toPrecision(Math.min(digits, 8))));
  }
  const digits = Math.max(0, 2 - Math.floor(Math.log10(span)));
  const isShort =
    digits < LABEL_WIDTH && [low, high].every((value) => value.toFixed(digits).length < LABEL_WIDTH);
  return isShort ? (value) => value.toFixed(digits) : fitting;
}

function fitting(value: number): string {
  const text = formatNumber(value, 8);
  return text.length <= LABEL_WIDTH ? text : formatNumber(value, 3);
}

function logarithms(values: readonly number[]): number[] {
  const positive = values.filter((value) => value > 0);
  const lowest = positive.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const last = values.findLastIndex((value) => value > 0);
  return values.slice(0, last + 1).map((value) => Math.log10(Math.max(lowest, value)));
}

/** The means of as many equal runs of the places as there are columns. */
function columns(values: readonly number[], places: number, width: number): number[] {
  const count = Math.min(places, width);
  const means: number[] = [];
  for (let column = 0; column < count; column++) {
    const run = values.slice(
      Math.floor((column * places) / count),
      Math.floor(((column + 1) * places) / count),
    );
    if (run.length > 0) means.push(run.reduce((sum, value) => sum + value, 0) / run.length);
  }
  return means;
}

/** A terminal's colour, which takes no column. */
const COLOUR = /\p{Cc}\[\d+m/gu;

/** In lines of at most `width` columns, below the chart's. */
function wrapped(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let room = 0;
  for (const item of items) {
    const columns = item.replace(COLOUR, "").length;
    if (columns + 3 <= room) {
      lines.push(`${lines.pop()}   ${item}`);
      room -= columns + 3;
    } else {
      lines.push(" ".repeat(LABEL_WIDTH + 2) + item);
      room = width - columns;
    }
  }
  return lines;
}

/** Puts a series' own character in place of the lines that asciichart drew in its colour. */
function mark(chart: string, index: number): string {
  if (MARKS[index] === "") return chart;
  const colour = asciichart[COLOURS[index]];
  return chart
    .split(colour)
    .map((part, i) => (i > 0 ? MARKS[index] + part.slice(1) : part))
    .join(colour);
}

function coloured(index: number, text: string): string {
  return `${asciichart[COLOURS[index]]}${text}\x1b[0m`;
}
