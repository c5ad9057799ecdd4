import { type LineChartOptions, lineChartSVG, type Series, textChart } from "unrolled/plot";
import type { CellResult } from "./cells.ts";
import type { ClippingResult } from "./clipping.ts";
import type { LinearResult } from "./linear.ts";
import type { RadiusResult } from "./radius.ts";

/** A plot as a file and for the terminal, and the figures below it. */
export interface Section {
  name: string;
  svg: string;
  text: string;
}

const BACK = { label: "steps back from the loss" };
const RELATIVE = { label: "norm of dL/dh, as a multiple of that at the loss", log: true };
/** Less is not drawn: the lines that fade would leave no room for the others. */
const LEAST = 1e-12;

export function linearSection(results: readonly LinearResult[]): Section {
  const steps = results[0].gradient.length - 1;
  const chart = {
    title: "One weight, multiplied a hundred times",
    subtitle: `h_t = w·h_{t−1}: the gradient of the last state, ${steps} steps back`,
    x: BACK,
    y: { label: "|dL/dh|", log: true },
    series: results.map(({ weight, gradient }) => ({ name: `w = ${weight}`, points: placed(gradient) })),
  };
  const figures = results.map(({ weight, gradient }) => {
    const last = gradient[steps];
    return `${weight}^${steps} = ${last < 1 ? last.toExponential(1) : Math.round(last).toLocaleString("en-US")}`;
  });
  return section("linear", chart, [figures.join("   ")]);
}

export function radiusSection(results: readonly RadiusResult[]): Section {
  const chart = {
    title: "Vanishing and exploding gradients",
    subtitle: "Networks with tanh, 100 units, by the spectral radius ρ that W_hh is scaled to",
    x: BACK,
    y: RELATIVE,
    series: results.map(({ radius, gradient }) => ({
      name: `ρ = ${radius}`,
      points: placed(relative(gradient)),
    })),
  };
  const rows = results.map(({ radius, gradient }) => {
    const shares = relative(gradient);
    const at = [10, 50, 100].map((distance) => shares[distance].toExponential(1).padStart(10));
    return `${`ρ = ${radius}`.padEnd(9)}${at.join("")}`;
  });
  return section("radius", chart, ["of the gradient, after 10, 50, 100 steps back:", ...rows]);
}

export function clippingSection(results: readonly ClippingResult[]): Section {
  const [free, clipped] = results;
  const steps = (norms: readonly number[]): [number, number][] => norms.map((norm, i) => [i + 1, norm]);
  const chart = {
    title: "What clipping does",
    subtitle: "How far each step of SGD moves the weights of a network with tanh that starts at ρ = 1.5",
    x: { label: "training step" },
    y: { label: "norm of the update", log: true },
    series: [
      { name: "without clipping", points: steps(free.updateNorms), color: 1 },
      { name: `clipped to a norm of ${clipped.clip}`, points: steps(clipped.updateNorms), color: 0 },
      { name: "its steps before clipping", points: steps(clipped.unclippedNorms), color: 0, dashed: true },
    ],
  };
  const describe = ({ clip, losses, gradientNorms, stopped }: ClippingResult): string => {
    const largest = Math.max(...gradientNorms).toPrecision(3);
    const first = losses[0].toFixed(2);
    const end = stopped
      ? `stopped after ${losses.length} steps, loss not finite`
      : `loss ${losses.at(-1)?.toFixed(2)}`;
    const cut =
      clip === null
        ? ""
        : `, ${gradientNorms.filter((norm) => norm > clip).length} of ${losses.length} steps cut`;
    return `${clip === null ? "without clipping" : `clipped to ${clip}`}: largest gradient norm ${largest}${cut}; loss ${first} at first, ${end}`;
  };
  return section("clipping", chart, results.map(describe));
}

export function cellSections(results: readonly CellResult[]): Section[] {
  const steps = results[0].before.hiddenGradient.length - 1;
  const line = (cell: string, gradient: readonly number[]): Series => ({
    name: cell,
    points: placed(relative(gradient)),
    color: results.findIndex((result) => result.cell.toUpperCase() === cell.slice(0, result.cell.length)),
  });
  const gated = results.filter(({ cell }) => cell !== "rnn");
  const share = (gradient: readonly number[]): string =>
    relative(gradient)[steps].toExponential(1).padStart(9);
  const before = {
    title: `Before training, ${steps} steps back`,
    subtitle: `Lines: gates that start with memories of up to ${steps} steps; dashed: as PyTorch starts them`,
    x: BACK,
    y: RELATIVE,
    series: [
      ...results.map(({ cell, before }) => line(cell.toUpperCase(), before.hiddenGradient)),
      ...gated.map(({ cell, plain }) => ({
        ...line(`${cell.toUpperCase()}, PyTorch's start`, plain.hiddenGradient),
        dashed: true,
      })),
    ],
  };
  const after = {
    title: `After training, ${steps} steps back`,
    subtitle: `${results[0].steps} steps on temporal order, T = ${steps}; guessing has a loss of 1.386`,
    x: BACK,
    y: RELATIVE,
    series: results.map(({ cell, after, lossAfter }) =>
      line(`${cell.toUpperCase()}, loss ${lossAfter.toFixed(4)}`, after.hiddenGradient),
    ),
  };
  const figures = (key: "before" | "after", loss: "lossBefore" | "lossAfter"): string[] => [
    `of the gradient, after ${steps} steps back:`,
    ...results.map((result) => {
      const { memory, hiddenSize } = result[key];
      const forget = memory ? `, keeps ${memory.mean.toFixed(3)} of its state a step` : "";
      return `${result.cell.toUpperCase().padEnd(5)}${hiddenSize} units ${share(result[key].hiddenGradient)}   loss ${result[loss].toFixed(4)}${forget}`;
    }),
  ];
  return [
    section("before", before, figures("before", "lossBefore")),
    section("after", after, figures("after", "lossAfter")),
  ];
}

function section(
  name: string,
  chart: LineChartOptions & { subtitle: string },
  figures: readonly string[],
): Section {
  const drawn = textChart({
    series: chart.series.map(({ name, points }) => ({ name, values: points.map(([, y]) => y) })),
    log: true,
    height: 12,
  });
  const text = [chart.title, chart.subtitle, drawn, `${chart.y.label}, by ${chart.x.label}`, ...figures].join(
    "\n",
  );
  return { name, svg: lineChartSVG(chart), text };
}

function relative(gradient: readonly number[]): number[] {
  return gradient.map((norm) => norm / gradient[0]);
}

/** With their distances, up to where they fall below what is drawn. */
function placed(norms: readonly number[]): [number, number][] {
  const end = norms.findIndex((norm) => norm < LEAST);
  return norms.slice(0, end < 0 ? norms.length : end).map((norm, distance) => [distance, norm]);
}
