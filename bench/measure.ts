import { Bench } from "tinybench";
import { macrotask } from "../src/macrotask.ts";
import type { Work } from "./entry.ts";

/**
 * Engines start in their baseline compilers and move a function to the optimising one only between calls, some time
 * after it became hot: the warm-up lasts until that has happened.
 */
const WARM_UP = 400;
const ROUNDS = 3;
/** Of one round. */
const TIMING = { warmupTime: 40, warmupIterations: 1, time: 250, iterations: 2 };
/** A call that takes longer is measured in one round: no slow moment of the machine explains it. */
const SLOW = 1000;

/** The way to time something, warmed up. */
interface Task {
  work: Work;
  /** How many calls make a sample. */
  calls: number;
  /** Milliseconds of a call: a median a round. */
  medians: number[];
}

/**
 * Times several ways to do the same work, in turns, so that a slow moment of the machine does not fall on one of
 * them alone. Returns for each the median of its rounds' medians, in milliseconds of a call. A sample repeats the call
 * until it lasts `sample` milliseconds. `between` is called after each measurement.
 * @throws whatever a work throws; the signal's reason.
 */
export async function compare(
  name: string,
  works: Work[],
  options: { sample: number; between: () => void; signal?: AbortSignal },
): Promise<number[]> {
  const { sample, between, signal } = options;
  const tasks: Task[] = [];
  for (const work of works) {
    // Also where messages and new threads are heard.
    await macrotask();
    signal?.throwIfAborted();
    tasks.push({ work, calls: await warmUp(work, sample), medians: [] });
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const task of tasks) {
      if (task.medians[0] > SLOW) continue;
      await macrotask();
      signal?.throwIfAborted();
      task.medians.push(await medianTime(name, task));
      between();
    }
  }
  return tasks.map(({ medians }) => medians.sort((a, b) => a - b)[medians.length >> 1]);
}

/** Runs the work until it is at full speed; returns how many calls last `sample` milliseconds. */
async function warmUp(work: Work, sample: number): Promise<number> {
  const end = performance.now() + WARM_UP;
  let calls = 1;
  for (;;) {
    const start = performance.now();
    await repeat(work, calls);
    const now = performance.now();
    if (now - start < sample)
      calls = Math.ceil(calls * Math.min(8, (1.2 * sample) / Math.max(now - start, 0.1)));
    else if (now >= end) return calls;
  }
}

async function repeat(work: Work, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) {
    const result = work();
    if (result instanceof Promise) await result;
  }
}

async function medianTime(name: string, { work, calls }: Task): Promise<number> {
  const bench = new Bench({ ...TIMING, throws: true });
  bench.add(name, () => repeat(work, calls));
  const [{ result }] = await bench.run();
  if (result.state !== "completed")
    throw new Error(`the benchmark ${name} did not complete: ${result.state}`);
  return result.latency.p50 / calls;
}
