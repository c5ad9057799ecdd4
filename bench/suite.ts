/**
 * All benchmarks, for Node and for pages: nothing here or in what it imports depends on either. Every figure of a run
 * comes from this machine, now: nothing is compared with numbers from elsewhere.
 *
 * In a page it belongs into a Worker, since it computes without pause for seconds and its threads have to be waited for.
 */
import type { Engine } from "../src/engine/engine.ts";
import type { Build } from "../src/engine/load.ts";
import { EngineError } from "../src/errors.ts";
import { createReadyEngine, findVariants, type Variant } from "./engines.ts";
import { type Entry, perNanosecond } from "./entry.ts";
import { matches, unknownPart } from "./filter.mjs";
import { generationEntries } from "./generation.ts";
import { growthEntries } from "./growth.ts";
import { kernelEntries } from "./kernels.ts";
import { forwardEntries, layerEntries } from "./layers.ts";
import { compare } from "./measure.ts";
import { Peak } from "./peak.ts";
import type { Row } from "./report.ts";
import { trainingEntries } from "./training.ts";

/** The entries of one group take turns: they are there to be compared with each other. */
const GROUPS: Entry[][] = [
  ...alone(trainingEntries),
  ...alone(generationEntries),
  ...alone(forwardEntries),
  ...alone(kernelEntries),
  ...layerEntries,
  ...alone(growthEntries),
];

/** Clocks of pages are coarse. */
const SAMPLE = 50;

export interface RunOptions {
  signal?: AbortSignal;
  /** How long a sample lasts at least, in milliseconds. Default 50. */
  sample?: number;
  /** Measure the wide build, alone. */
  wide?: boolean;
}

/** All names that a filter can choose from. */
export const NAMES: readonly string[] = ["peak", ...GROUPS.flat().map(({ name }) => name)];

/**
 * Measures what the filter chooses and returns the rows. `onRow` gets each one when it is there; its share of the peak
 * may still fall, as the peak is sampled until the end.
 * @throws RangeError if a part of the filter is in no name; ConfigError if `wide` is not to be had; the signal's reason
 *   once it aborts.
 */
export async function run(
  filter: string,
  onRow: (row: Row) => void = () => {},
  options: RunOptions = {},
): Promise<Row[]> {
  const { signal, sample = SAMPLE, wide = false } = options;
  const unknown = unknownPart(filter, NAMES);
  if (unknown !== undefined) {
    throw new RangeError(
      `no benchmark's name contains ${JSON.stringify(unknown)}: there are ${NAMES.join(", ")}`,
    );
  }
  const groups = GROUPS.map((group) => group.filter(({ name }) => matches(filter, name)));
  signal?.throwIfAborted();
  const variants = await findVariants(wide);
  const peaks = await createPeaks(variants, sample);
  try {
    for (const peak of peakRows(peaks)) onRow(peak);
    const all: Row[] = [];
    for (const group of groups.filter(({ length }) => length > 0)) {
      const rows = await measureGroup(group, variants, peaks, sample, signal).catch((error) => {
        // A runtime may have too little memory for one of them.
        if (error instanceof EngineError) return failedRows(group, [...peaks.keys()].at(-1)!, error);
        throw error;
      });
      all.push(...rows);
      for (const row of rows) onRow(withShare(row, peaks));
    }
    return [...peakRows(peaks), ...all.map((row) => withShare(row, peaks))];
  } finally {
    for (const { engine } of peaks.values()) engine.close();
  }
}

type Peaks = Map<Build, { engine: Engine; peak: Peak }>;

async function createPeaks(variants: Variant[], sample: number): Promise<Peaks> {
  const peaks: Peaks = new Map();
  for (const variant of variants.filter(({ threads }) => threads === 1)) {
    const engine = await createReadyEngine(variant);
    peaks.set(engine.build, { engine, peak: new Peak(engine, sample) });
  }
  return peaks;
}

/** Times entries of one group on engines of their own, whose memory ends with them. */
async function measureGroup(
  entries: Entry[],
  variants: Variant[],
  peaks: Peaks,
  sample: number,
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  const fastest = variants.at(-1)!.numerics;
  const chosen = variants.filter(({ numerics }) => numerics === fastest || !entries[0].fastestOnly);
  const engines: Engine[] = [];
  try {
    for (const variant of chosen) engines.push(await createReadyEngine(variant));
    const tasks = entries.flatMap((entry) => [
      ...(entry.onReference
        ? [{ entry, build: "reference" as const, threads: 1, work: entry.onReference() }]
        : []),
      ...engines.map((engine) => {
        const { build, threads } = engine;
        return { entry, build, threads, work: entry.onEngine(engine) };
      }),
    ]);
    const between = () => {
      for (const { peak } of peaks.values()) peak.sample();
    };
    const works = tasks.map(({ work }) => work);
    const times = await compare(entries[0].name, works, { sample, between, signal });
    return tasks.map(({ entry, build, threads }, i): Row => {
      const { name, title, unit, flops, bytes } = entry;
      const milliseconds = times[i];
      const reference = times[tasks.findIndex((task) => task.entry === entry && task.build === "reference")];
      const vsReference = build === "reference" || !reference ? undefined : reference / milliseconds;
      const median = entry.figure(milliseconds);
      return { name, title, build, threads, median, unit, milliseconds, flops, bytes, vsReference };
    });
  } finally {
    for (const engine of engines) engine.close();
  }
}

/** The peak of several threads is that of one, so many times. */
function withShare(row: Row, peaks: Peaks): Row {
  const { build, threads, flops, milliseconds } = row;
  if (!flops || !milliseconds || build === "reference") return row;
  const peak = peaks.get(build)!.peak.best * threads;
  return { ...row, ofPeak: perNanosecond(flops, milliseconds) / peak };
}

function failedRows(entries: Entry[], build: Build, { message }: Error): Row[] {
  return entries.map(({ name, title, unit }) => ({
    ...{ name, title, unit },
    ...{ build, threads: 1, median: Number.NaN, error: message },
  }));
}

function peakRows(peaks: Peaks): Row[] {
  return Array.from(peaks, ([build, { peak }]) => ({
    name: "peak",
    title: "multiply-adds on registers",
    build,
    threads: 1,
    median: peak.best,
    unit: "GFLOP/s",
  }));
}

function alone(entries: Entry[]): Entry[][] {
  return entries.map((entry) => [entry]);
}
