/**
 * `npm run bench`: the kernels and a training step, in every build and in plain TypeScript, on this machine now.
 * Every figure comes from the same run: nothing is compared with numbers from elsewhere.
 */
import type { Engine } from "../src/engine/engine.ts";
import { createEngines } from "./builds.ts";
import { type Entry, gigaflops } from "./entry.ts";
import { kernelEntries } from "./kernels.ts";
import { layerEntries } from "./layers.ts";
import { compare } from "./measure.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { Peak } from "./peak.ts";
import { formatJson, formatTable, type Row } from "./report.ts";
import { trainingEntries } from "./training.ts";

/** A matmul faster than the peak, beyond what clocks do, means that one of the two was measured wrongly. */
const PEAK_TOLERANCE = 1.02;
const ENTRIES = [...kernelEntries, ...layerEntries, ...trainingEntries];

interface Times {
  entry: Entry;
  /** Median milliseconds of a call. */
  engines: Map<Engine, number>;
  reference?: number;
}

async function main(): Promise<number> {
  let options: Options | "help";
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options === "help") {
    console.log(USAGE);
    return 0;
  }
  const { filter, json } = options;
  const entries = ENTRIES.filter(({ name }) => name.includes(filter));
  const showPeak = "peak".includes(filter);
  if (entries.length === 0 && !showPeak) {
    const names = ["peak", ...ENTRIES.map(({ name }) => name)].join(", ");
    console.error(`No benchmark's name contains ${JSON.stringify(filter)}: there are ${names}`);
    return 2;
  }

  const peaks = new Map((await createEngines()).map((engine) => [engine, new Peak(engine)]));
  const times = measure(entries, peaks);
  const rows = times.flatMap((time) => rowsOf(time, peaks));
  if (showPeak) {
    const single = [...peaks].filter(([engine]) => threadsOf(engine) === 1);
    rows.unshift(...single.map(([engine, peak]) => peakRow(engine, peak)));
  }
  console.log(json ? formatJson(rows) : formatTable(rows));

  const wrong = rows.filter(({ name, ofPeak }) => name.startsWith("gemm/") && (ofPeak ?? 0) > PEAK_TOLERANCE);
  for (const { name, build, ofPeak } of wrong) {
    console.error(
      `${name} (${build}) came out at ${ofPeak?.toFixed(3)} of the peak: this run cannot be trusted`,
    );
  }
  return wrong.length > 0 ? 1 : 0;
}

/**
 * Times every entry in every build and in the reference, with samples of the peak in between. Entries of one group
 * (`lstm/plain`, `lstm/ragged` …) take turns, so that a slow moment of the machine falls on all of them.
 */
function measure(entries: Entry[], peaks: Map<Engine, Peak>): Times[] {
  const engines = [...peaks.keys()];
  const samplePeaks = () => {
    for (const peak of peaks.values()) peak.sample();
  };
  samplePeaks();
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const [group] = entry.name.split("/");
    groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  return [...groups].flatMap(([group, entries]) => {
    const works = entries.flatMap((entry) => [
      ...engines.map((engine) => entry.onEngine(engine)),
      ...(entry.onReference ? [entry.onReference()] : []),
    ]);
    const milliseconds = compare(group, works, samplePeaks);
    return entries.map((entry) => {
      const times = milliseconds.splice(0, engines.length);
      const reference = entry.onReference && milliseconds.shift();
      return { entry, engines: new Map(engines.map((engine, j) => [engine, times[j]])), reference };
    });
  });
}

function rowsOf({ entry, engines, reference }: Times, peaks: Map<Engine, Peak>): Row[] {
  const { name, unit, flops } = entry;
  const rows = Array.from(engines, ([engine, milliseconds]): Row => {
    const threads = threadsOf(engine);
    const peak = (peaks.get(engine)?.best ?? 0) * threads;
    return {
      name,
      build: engine.build,
      threads,
      median: entry.figure(milliseconds),
      unit,
      ofPeak: flops && gigaflops(flops, milliseconds) / peak,
      vsReference: reference && reference / milliseconds,
    };
  });
  if (reference === undefined) return rows;
  return [...rows, { name, build: "reference", threads: 1, median: entry.figure(reference), unit }];
}

function threadsOf(engine: Engine): number {
  return engine.pool?.size ?? 1;
}

function peakRow(engine: Engine, peak: Peak): Row {
  return { name: "peak", build: engine.build, threads: 1, median: peak.best, unit: "GFLOP/s" };
}

process.exitCode = await main();
