/** The page: a filter, a button, and the rows as they come. `?filter=W7` in its address starts a run at once. */
import {
  type Circumstances,
  formatMarkdown,
  peakLine,
  type Row,
  type Table,
  TEXT_COLUMNS,
  tables,
} from "../report.ts";
import { NAMES } from "../suite.ts";
import type { Message, Start } from "./messages.ts";

/** What a script that drives the page reads. */
export interface BenchmarkState {
  state: "idle" | "running" | "done" | "failed";
  /** Why it failed. */
  why?: string;
  rows: Row[];
}

declare global {
  var benchmark: BenchmarkState;
}

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const filter = element<HTMLInputElement>("filter");
const runButton = element<HTMLButtonElement>("run");
const stopButton = element<HTMLButtonElement>("stop");
const copyButton = element<HTMLButtonElement>("copy");
const status = element("status");

let worker: Worker | undefined;

function show(state: BenchmarkState, text: string): void {
  globalThis.benchmark = state;
  const isRunning = state.state === "running";
  runButton.disabled = isRunning;
  stopButton.disabled = !isRunning;
  copyButton.disabled = state.rows.length === 0;
  status.textContent = text;
  status.classList.toggle("failed", state.state === "failed");
  const peak = document.createElement("p");
  peak.textContent = peakLine(state.rows);
  element("tables").replaceChildren(peak, ...tables(state.rows).map(toElement));
}

function toElement([header, ...lines]: Table): HTMLTableElement {
  const table = document.createElement("table");
  const append = (section: HTMLTableSectionElement, cells: string[], tag: "th" | "td") => {
    const row = section.insertRow();
    for (const [column, text] of cells.entries()) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      if (column < TEXT_COLUMNS) cell.className = "words";
      row.append(cell);
    }
  };
  append(table.createTHead(), header, "th");
  const body = table.createTBody();
  for (const line of lines) append(body, line, "td");
  return table;
}

function start(): void {
  const rows: Row[] = [];
  const started = performance.now();
  const elapsed = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  // A worker a run: its memory and threads end with it.
  worker = new Worker(new URL("worker.js", location.href), { type: "module" });
  worker.onerror = ({ message }) => end({ state: "failed", rows, why: message || "the worker did not load" });
  worker.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === "failed") return end({ state: "failed", rows, why: data.why });
    if (data.kind === "done") return end({ state: "done", rows: data.rows }, `Done in ${elapsed()}.`);
    rows.push(data.row);
    show({ state: "running", rows }, `Running, ${elapsed()}: ${data.row.name} is measured.`);
  };
  worker.postMessage({ filter: filter.value } satisfies Start);
  show({ state: "running", rows }, "Running: first what this machine can do at best.");
}

function end(state: BenchmarkState, text = state.why ?? ""): void {
  worker?.terminate();
  show(state, text);
}

function circumstances(): Circumstances {
  const { hardwareConcurrency, platform, userAgent } = navigator;
  return {
    machine: `${hardwareConcurrency} cores, ${platform}`,
    runtime: /(?:Firefox|Edg|Chrome|Version)\/[\d.]+/.exec(userAgent)?.[0].replace("/", " ") ?? userAgent,
    date: new Date().toISOString().slice(0, 10),
  };
}

element<HTMLFormElement>("form").onsubmit = (event) => {
  event.preventDefault();
  start();
};
stopButton.onclick = () => end({ state: "idle", rows: benchmark.rows }, "Stopped.");
copyButton.onclick = async () => {
  await navigator.clipboard.writeText(formatMarkdown(benchmark.rows, circumstances()));
  status.textContent = "Copied.";
};
element("names").replaceChildren(...NAMES.map((name) => new Option(name)));

const threads = crossOriginIsolated ? "" : " No threads: the server does not isolate the page.";
show({ state: "idle", rows: [] }, `Ready.${threads}`);
const asked = new URLSearchParams(location.search).get("filter");
if (asked !== null) {
  filter.value = asked;
  start();
}
