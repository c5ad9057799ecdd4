/** The rows of a run as Markdown and as JSON. */
import type { Build } from "../src/engine/load.ts";

/** One figure; the names are those of the JSON output. */
export interface Row {
  /** The workload, as filters know it, and in words. */
  name: string;
  title: string;
  build: Build | "reference";
  threads: number;
  /** In `unit`. */
  median: number;
  unit: string;
  /** Of one call. */
  milliseconds?: number;
  /** Of one call's matmuls. */
  flops?: number;
  /** What one call has to move, roughly. */
  bytes?: number;
  /** The share of the peak that its matmul operations reach. */
  ofPeak?: number;
  /** How many times faster than the reference. */
  vsReference?: number;
  /** Why there is no figure (`median` is NaN, in JSON null): memory that did not suffice. */
  error?: string;
}

/** Where and when the rows were measured. */
export interface Circumstances {
  machine: string;
  runtime: string;
  /** YYYY-MM-DD */
  date: string;
}

/** Cells of text, the first row being the header. The first columns are words, the others figures. */
export type Table = string[][];
export const TEXT_COLUMNS = 2;

export function formatJson(rows: readonly Row[], circumstances: Circumstances): string {
  const round = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  return [JSON.stringify(circumstances), ...rows.map((row) => JSON.stringify(row, round))].join("\n");
}

export function formatMarkdown(rows: readonly Row[], circumstances: Circumstances): string {
  const { machine, runtime, date } = circumstances;
  const failures = rows.filter(({ error }) => error).map(({ name, error }) => `${name} failed: ${error}`);
  const parts = [
    peakLine(rows),
    ...tables(rows).map((table) => markdownTable(table, TEXT_COLUMNS)),
    failures.join("\n\n"),
    `${machine}; ${runtime}; ${date}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** What the rows come to: a table of workloads and one of W9, if there are any. */
export function tables(rows: readonly Row[]): Table[] {
  const isGrowth = ({ name }: Row) => name.startsWith("W9/");
  const workloads = workloadTable(rows.filter((row) => row.name !== "peak" && !isGrowth(row)));
  return [workloads, growthTable(rows.filter(isGrowth))].filter(({ length }) => length > 1);
}

/** What the machine can do at best: what shares are shares of. */
export function peakLine(rows: readonly Row[]): string {
  const peaks = rows.filter(({ name }) => name === "peak");
  if (peaks.length === 0) return "";
  const figures = peaks.map(({ build, median }) => `${number(median)} GFLOP/s (${build})`);
  return `Peak of one thread: ${figures.join(", ")}. In brackets: share of the peak of all threads, times as fast as TypeScript.`;
}

/** A row a workload, a column a build and number of threads. */
function workloadTable(rows: readonly Row[]): Table {
  const columns = distinct(rows.map(column));
  const lines = distinct(rows.map(({ name }) => name)).map((name) => {
    const own = rows.filter((row) => row.name === name);
    const cells = columns.map((key) => cell(own.find((row) => column(row) === key)));
    return [workloadKey(name), own[0].title, own[0].unit, ...cells];
  });
  return [["", "workload", "unit", ...columns], ...lines];
}

/** A row a size, for each number of threads the time and what an operation costs. */
function growthTable(rows: readonly Row[]): Table {
  const threads = distinct(rows.map((row) => row.threads));
  const header = threads.flatMap((count) => {
    const what = plural(count, "thread");
    return [`ms, ${what}`, "cost of a FLOP (peak = 1)", "GB/s"];
  });
  const lines = distinct(rows.map(({ name }) => name)).map((name) => {
    const own = rows.filter((row) => row.name === name);
    const { title, flops, bytes } = own[0];
    const cells = threads.flatMap((count) => growthCells(own.find((row) => row.threads === count)));
    const size = [
      flops === undefined ? "" : number(flops / 1e9),
      bytes === undefined ? "" : number(bytes / 1e6),
    ];
    return [workloadKey(name), title, ...size, ...cells];
  });
  return [["", "workload", "GFLOP", "MB moved", ...header], ...lines];
}

function growthCells(row: Row | undefined): string[] {
  if (!row?.milliseconds) return ["", "", ""];
  const { milliseconds, ofPeak, bytes } = row;
  const rate = bytes === undefined ? "" : number(bytes / (milliseconds * 1e6));
  return [number(milliseconds), ofPeak === undefined ? "" : (1 / ofPeak).toFixed(2), rate];
}

function cell(row: Row | undefined): string {
  if (!row || row.error) return "";
  const { median, ofPeak, vsReference } = row;
  const notes = [
    ...(ofPeak === undefined ? [] : [`${(100 * ofPeak).toFixed(0)} %`]),
    ...(vsReference === undefined ? [] : [`${number(vsReference)}×`]),
  ];
  return notes.length === 0 ? number(median) : `${number(median)} (${notes.join(", ")})`;
}

function column({ build, threads }: Row): string {
  if (build === "reference") return "TypeScript";
  return threads === 1 ? build : `${build}, ${threads} threads`;
}

/** `W7/gemm-32x128x512` is W7. */
function workloadKey(name: string): string {
  const [key] = name.split("/");
  return key;
}

/** Three digits, and all of those before the point. */
function number(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 0.01 ? value.toPrecision(3) : value.toExponential(1);
}

/** The first `textColumns` columns are words, aligned on the left. */
export function markdownTable([header, ...lines]: Table, textColumns: number): string {
  const align = header.map((_, column) => (column < textColumns ? "---" : "---:"));
  return [header, align, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function plural(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count} ${word}s`;
}

function distinct<T>(values: T[]): T[] {
  return [...new Set(values)];
}
