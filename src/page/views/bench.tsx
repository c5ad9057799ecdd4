/** The project's bench in the visitor's browser: every build of the kernels against the same work in plain TypeScript. */
import { signal, useSignal } from "@preact/signals";
import { copyText } from "../clipboard.ts";
import type { BenchRow } from "../lab/bench.ts";
import { Lab } from "../lab/lab.ts";
import { Notice, Select } from "../parts/controls.tsx";
import { CopyIcon, PlayIcon } from "../parts/icons.tsx";

const lab = new Lab();
/** Kept while the reader looks at other views. */
const rows = signal<readonly BenchRow[]>([]);
const isRunning = signal(false);
const problem = signal<string | undefined>(undefined);

const SETS = [
  {
    value: "kernels",
    label: "Kernels: matmul, tanh, sigmoid (a minute)",
    filter: "W7/gemm-128,W7/gemm-512,W7/gemm-32x,W7/gemm-1x,W8",
  },
  { value: "training", label: "Training steps and generation (a minute)", filter: "W1,W3,W4,W5" },
  {
    value: "all",
    label: "All of these (two minutes)",
    filter: "W1,W3,W4,W5,W7/gemm-128,W7/gemm-512,W7/gemm-32x,W7/gemm-1x,W8",
  },
] as const;

async function start(filter: string): Promise<void> {
  rows.value = [];
  problem.value = undefined;
  isRunning.value = true;
  try {
    rows.value = await lab.run("bench", { filter }, (row) => {
      rows.value = [...rows.peek(), row];
    });
  } catch (error) {
    problem.value = (error as Error).message;
  } finally {
    isRunning.value = false;
  }
}

function stop(): void {
  lab.stop();
  isRunning.value = false;
}

const BUILDS: Record<BenchRow["build"], string> = {
  reference: "plain TypeScript",
  simd: "WASM simd",
  relaxed: "WASM relaxed",
  wide: "WASM wide",
};

function seriesName({ build, threads }: BenchRow): string {
  return threads > 1 ? `${BUILDS[build]}, ${threads} threads` : BUILDS[build];
}

export function BenchView() {
  const set = useSignal<(typeof SETS)[number]["value"]>("kernels");
  /** What copying came to, of the rows that there were. */
  const copied = useSignal<{ of: readonly BenchRow[]; says: string } | undefined>(undefined);
  const groups = groupRows(rows.value);
  const copy = async (): Promise<void> => {
    const of = rows.peek();
    const says = (await copyText(asMarkdown(of)))
      ? "Copied as a table"
      : "The browser did not let it be copied";
    copied.value = { of, says };
  };
  return (
    <div class="view bench">
      <header class="view-head">
        <h1>How fast is this browser?</h1>
        <p class="deck">
          The same arithmetic as WebAssembly kernels, in every build that runs here, and as plain TypeScript:
          measured now, on this machine, and compared with nothing from elsewhere.
        </p>
      </header>
      <div class="panel bench-controls">
        <Select
          label="What to measure"
          choices={SETS}
          value={set.value}
          onChange={(value) => {
            set.value = value;
          }}
        />
        <div class="row">
          {isRunning.value ? (
            <button type="button" class="button" onClick={stop}>
              Stop
            </button>
          ) : (
            <button
              type="button"
              class="button primary"
              id="bench"
              onClick={() => void start(SETS.find(({ value }) => value === set.value)!.filter)}
            >
              <PlayIcon /> Measure
            </button>
          )}
          <button
            type="button"
            class="button quiet"
            disabled={rows.value.length === 0}
            onClick={() => void copy()}
          >
            <CopyIcon />{" "}
            <span aria-live="polite">{copied.value?.of === rows.value ? copied.value.says : "Copy"}</span>
          </button>
        </div>
        <p class="field-note">Other tabs and a low battery make figures worse. {isolationNote()}</p>
      </div>
      {problem.value && <Notice kind="error">{problem.value}</Notice>}
      {isRunning.value && (
        <p class="quiet" aria-live="polite">
          Measuring {groups.at(-1)?.title ? `(last: ${groups.at(-1)?.title})` : ""} … each piece of work warms
          up first, then takes turns with the others.
        </p>
      )}
      <div class="bench-groups">
        {groups.map((group) => (
          <BenchGroup key={group.name} {...group} />
        ))}
      </div>
      {groups.length === 0 && !isRunning.value && (
        <div class="empty">
          <h2>Nothing measured yet</h2>
          <p>Press Measure: bars appear one by one, the longest the fastest.</p>
        </div>
      )}
    </div>
  );
}

function isolationNote(): string {
  return crossOriginIsolated
    ? `${navigator.hardwareConcurrency} cores, shared by threads.`
    : "This page is not cross-origin isolated, so every build runs on one thread.";
}

interface Group {
  name: string;
  title: string;
  unit: string;
  rows: BenchRow[];
}

function groupRows(all: readonly BenchRow[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of all) {
    if (row.name === "peak") continue;
    const group = groups.get(row.name) ?? { name: row.name, title: row.title, unit: row.unit, rows: [] };
    group.rows.push(row);
    groups.set(row.name, group);
  }
  return [...groups.values()];
}

/** Bars by speed: of times, the inverse. */
function BenchGroup({ title, unit, rows }: Group) {
  const isRate = unit.includes("/s");
  const speed = (row: BenchRow): number => (isRate ? row.median : 1 / row.median);
  const most = Math.max(...rows.map(speed).filter(Number.isFinite));
  return (
    <section class="panel bench-group" aria-label={title}>
      <h3>{title}</h3>
      <ol class="bench-bars">
        {rows.map((row) => (
          <li key={seriesName(row)} class={`is-${row.build}`}>
            <span class="bench-name">{seriesName(row)}</span>
            <span class="bench-track">
              <span
                class="bench-fill"
                style={{ transform: `scaleX(${Number.isFinite(speed(row)) ? speed(row) / most : 0})` }}
              />
            </span>
            <span class="bench-figure">
              {row.error ? "failed" : `${row.median.toPrecision(3)} ${unit}`}
              {row.vsReference && <b> {row.vsReference.toPrecision(2)}×</b>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function asMarkdown(all: readonly BenchRow[]): string {
  const lines = all.map(
    (row) =>
      `| ${row.title} | ${seriesName(row)} | ${row.median.toPrecision(4)} ${row.unit} | ${row.vsReference ? `${row.vsReference.toPrecision(3)}×` : ""} |`,
  );
  const head = ["| work | build | median | against plain TypeScript |", "|---|---|---|---|"];
  return [...head, ...lines, "", navigator.userAgent, new Date().toISOString().slice(0, 10)].join("\n");
}
