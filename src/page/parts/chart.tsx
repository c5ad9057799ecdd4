/** A line chart by uPlot, that follows its box and the theme. */
import "./locale.ts";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { colour, theme } from "../state/theme.ts";
import { integer } from "./format.ts";

export interface Line {
  label: string;
  /** Of the style sheet, without its dashes: "run-0". */
  colour: string;
  x: readonly number[];
  y: readonly (number | null)[];
  kind?: "line" | "faint" | "dots" | "dashed";
}

export interface ChartProps {
  lines: readonly Line[];
  /** Said by screen readers. */
  summary: string;
  height: number;
  xLabel: string;
  xMax?: number;
  log?: boolean;
  yRange?: [number, number];
  format?: (value: number) => string;
}

type Ranges = Pick<ChartProps, "xMax" | "yRange">;

/** How far from the pointer a point may be that counts as pointed at, in pixels: lines have their own steps. */
const NEAR = 12;

const FONT = '11px "JetBrains Mono Variable", monospace';

export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const reading = useRef<HTMLParagraphElement>(null);
  const data = toData(props.lines);
  const { height, log } = props;
  // What a plot is made for; data and ranges it takes as they come.
  const shape = [
    theme.value,
    log,
    height,
    ...props.lines.map(({ label, colour, kind }) => `${label} ${colour} ${kind}`),
  ].join("|");
  const made = useRef("");
  const ranges = useRef<Ranges>(props);
  ranges.current = props;

  useEffect(() => {
    const element = box.current!;
    const fit = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    fit.observe(element);
    return () => {
      fit.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
      made.current = "";
    };
  }, []);

  useEffect(() => {
    if (made.current === shape && plot.current) {
      plot.current.setData(data);
      return;
    }
    made.current = shape;
    plot.current?.destroy();
    const element = box.current!;
    const size = { width: element.clientWidth || 300, height };
    plot.current = new uPlot(
      options(
        props,
        size,
        () => ranges.current,
        (text) => {
          reading.current!.textContent = text;
        },
      ),
      data,
      element,
    );
  });

  return (
    <>
      <div ref={box} class="chart" role="img" aria-label={props.summary} style={{ height: `${height}px` }} />
      {/* What the pointer is at, written as it moves. */}
      <p
        ref={reading}
        class={props.lines.length > 3 ? "chart-reading is-long" : "chart-reading"}
        aria-hidden="true"
      />
    </>
  );
}

function toData(lines: readonly Line[]): uPlot.AlignedData {
  if (lines.length === 0) return [[]];
  const tables = lines.map(({ x, y }) => [x, y] as unknown as uPlot.AlignedData);
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}

function options(
  props: ChartProps,
  size: { width: number; height: number },
  ranges: () => Ranges,
  read: (text: string) => void,
): uPlot.Options {
  const { lines, log, format = short, xLabel } = props;
  const axis = {
    font: FONT,
    stroke: colour("quiet"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1, size: 4 },
  };
  return {
    ...size,
    padding: [10, 22, 0, 4],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, hover: { prox: NEAR } },
    hooks: { setCursor: [(plot) => read(readingOf(plot, xLabel))] },
    scales: {
      x: {
        time: false,
        range(_, low, high) {
          const { xMax } = ranges();
          return xMax === undefined ? [low, high] : [0, xMax];
        },
      },
      y: {
        distr: log ? 3 : 1,
        range(_, low, high) {
          const { yRange } = ranges();
          if (yRange || low === null) return yRange ?? [low, high];
          return log ? uPlot.rangeLog(low, high, 10, true) : uPlot.rangeNum(low, high, 0.1, true);
        },
      },
    },
    axes: [
      { ...axis, size: 26, gap: 2, label: xLabel, labelSize: 14, labelGap: 0, labelFont: FONT, space: 64 },
      {
        ...axis,
        size: 52,
        gap: 5,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : format(tick))),
        ...(log && { filter: decades, grid: { ...axis.grid, filter: decades } }),
      },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => {
        const stroke = colour(line.colour);
        const kinds: Record<string, Partial<uPlot.Series>> = {
          line: { width: 2, points: { show: false } },
          faint: { width: 1.25, alpha: 0.45, points: { show: false } },
          dashed: { width: 1.5, dash: [5, 5], points: { show: false } },
          dots: { width: 2, points: { show: true, size: 6, fill: stroke, width: 0 } },
        };
        return { label: line.label, stroke, spanGaps: true, ...kinds[line.kind ?? "line"] };
      }),
    ],
  };
}

/** The values at the crosshair: "step 230 · LSTM 64, training 2.941 · held out 2.880". */
function readingOf({ cursor, data, series }: uPlot, xLabel: string): string {
  if (typeof cursor.idx !== "number") return "";
  const said = [`${xLabel} ${integer(data[0][cursor.idx])}`];
  let before: string[] = [];
  for (let i = 1; i < series.length; i++) {
    const at = cursor.idxs?.[i];
    const value = typeof at === "number" ? data[i][at] : undefined;
    if (typeof value !== "number") continue;
    const parts = String(series[i].label).split(", ");
    // Without what the one before has said.
    const own = parts.slice(parts.findIndex((part, k) => part !== before[k]));
    before = parts;
    said.push(`${own.join(", ")} ${precise(value)}`);
  }
  return said.join(" · ");
}

/** Of a logarithmic axis, the powers of ten, and of those not too many. */
const decades: uPlot.Axis.Filter = (_, splits) => {
  const isDecade = (value: number): boolean => {
    const power = Math.log10(value);
    return Math.abs(power - Math.round(power)) < 1e-6;
  };
  const every = Math.ceil(splits.filter((value) => isDecade(value)).length / 6);
  return splits.map((value) =>
    isDecade(value) && Math.round(Math.log10(value)) % every === 0 ? value : null,
  );
};

export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(0).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}

/** To more digits than an axis needs: lines that lie close together are to be told apart. */
function precise(value: number): string {
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e3 ? value.toPrecision(4) : short(value);
}

/** At most so many points for a curve: means of neighbours. x is the last step of each. */
export function buckets(values: readonly number[], most = 500): { x: number[]; y: number[] } {
  const width = Math.max(1, Math.ceil(values.length / most));
  const x: number[] = [];
  const y: number[] = [];
  for (let start = 0; start < values.length; start += width) {
    const end = Math.min(values.length, start + width);
    let sum = 0;
    for (let i = start; i < end; i++) sum += values[i];
    x.push(end);
    y.push(sum / (end - start));
  }
  return { x, y };
}
