import { lineChartSVG } from "unrolled/plot";
import type { Result } from "./measure.ts";
import { CELLS, type Cell } from "./model.ts";
import { PROFILES, type TaskName } from "./tasks.ts";

const CELL_NAMES = Object.keys(CELLS) as Cell[];

/** The results of one task: a row a length, for each cell the error and the share of right answers. */
export function formatTable(task: TaskName, results: readonly Result[]): string {
  const { title, error, rightMeans } = PROFILES[task];
  const sizes = CELL_NAMES.map((cell) => results.find((result) => result.cell === cell)).map(
    (result) =>
      result && `${result.cell.toUpperCase()} ${result.hiddenSize} units, ${result.parameters} parameters`,
  );
  const cells = lengthsOf(results).map((length) => {
    const row = results.filter((result) => result.length === length);
    const figures = row.map(
      ({ error, right, trained }) =>
        `${error.toFixed(4).padStart(9)} ${percent(right)} ${String(trained).padStart(5)}`,
    );
    return [String(length).padStart(5), row[0].baseline.toFixed(4).padStart(10), ...figures].join("  │");
  });
  const heads = CELL_NAMES.map((cell) => `${cell.toUpperCase().padStart(9)}  right steps`);
  return [
    `${title}: ${error}, ${rightMeans}, steps trained`,
    sizes.join("; "),
    ["    T", "  baseline", ...heads].join("  │"),
    ...cells,
  ].join("\n");
}

/** The error of each cell against T, and that of an answer which remembers nothing. */
export function drawChart(task: TaskName, results: readonly Result[]): string {
  const { title, error } = PROFILES[task];
  const lengths = lengthsOf(results);
  const points = (cell: Cell, figure: "error" | "baseline") =>
    results
      .filter((result) => result.cell === cell)
      .map((result) => [result.length, result[figure]] as const);
  const counts = results.map((result) => result.parameters);
  return lineChartSVG({
    title: `${title}: error by length`,
    subtitle: `Cells of ${Math.min(...counts)} to ${Math.max(...counts)} parameters, on data never trained on`,
    x: { label: "length T, steps", log: true, ticks: lengths },
    y: { label: error, log: true },
    series: [
      ...CELL_NAMES.map((cell) => ({ name: cell.toUpperCase(), points: points(cell, "error") })),
      {
        name: "remembering nothing",
        points: points(CELL_NAMES[0], "baseline"),
        dashed: true,
        color: "grey",
      },
    ],
  });
}

function lengthsOf(results: readonly Result[]): number[] {
  return [...new Set(results.map((result) => result.length))].sort((a, b) => a - b);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`.padStart(6);
}
