import { cpus } from "node:os";
import type { Build } from "../src/engine/load.ts";

/** One line of the report; the names are those of the JSON output. */
export interface Row {
  name: string;
  build: Build | "reference";
  threads: number;
  /** In `unit`. */
  median: number;
  unit: string;
  /** The share of the peak that its matmul operations reach. */
  ofPeak?: number;
  /** How many times faster than the reference. */
  vsReference?: number;
}

const HEADER = ["name", "build", "threads", "median", "unit", "of peak", "vs reference"];
/** Columns of numbers, aligned on the right. */
const NUMERIC = new Set(["threads", "median", "of peak", "vs reference"]);

export function formatJson(rows: Row[]): string {
  const round = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(5)) : value;
  return rows.map((row) => JSON.stringify(row, round)).join("\n");
}

export function formatTable(rows: Row[]): string {
  const lines = [HEADER, ...rows.map(cells)];
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (cell: string, column: number) =>
    NUMERIC.has(HEADER[column]) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
  const table = lines.map((line) => line.map(pad).join("  ").trimEnd());
  const machine = `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${process.platform} ${process.arch}`;
  const runtime = `Node ${process.versions.node} (V8 ${process.versions.v8})`;
  return [...table, "", machine, runtime, new Date().toISOString().slice(0, 10)].join("\n");
}

function cells({ name, build, threads, median, unit, ofPeak, vsReference }: Row): string[] {
  return [
    name,
    build,
    String(threads),
    median.toFixed(median < 10 ? 3 : 1),
    unit,
    ofPeak === undefined ? "" : `${(100 * ofPeak).toFixed(1)} %`,
    vsReference === undefined ? "" : `${vsReference.toFixed(1)}×`,
  ];
}
