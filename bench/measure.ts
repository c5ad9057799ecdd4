import { Bench } from "tinybench";

/**
 * V8 starts in its baseline compilers and moves a function to the optimising one only between calls, some time
 * after it became hot: the first warm-up lasts until that has happened.
 */
const FIRST_WARM_UP = 400;
const WARM_UP = 40;
const TIMING = { warmupIterations: 3, time: 250, iterations: 5 };
const ROUNDS = 3;

/** The median time of one call, in milliseconds, once it runs at full speed. */
function medianTime(name: string, work: () => void, warmupTime: number): number {
  const bench = new Bench({ ...TIMING, warmupTime, throws: true });
  bench.add(name, work);
  const [task] = bench.runSync();
  const { result } = task;
  if (result.state !== "completed")
    throw new Error(`the benchmark ${name} did not complete: ${result.state}`);
  return result.latency.p50;
}

/**
 * Times several ways to do the same work, in turns, so that a slow moment of the machine does not fall on one of
 * them alone. Returns for each the median of its rounds' medians; `between` is called after each measurement.
 */
export function compare(name: string, works: (() => void)[], between: () => void): number[] {
  const rounds: number[][] = works.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, work] of works.entries()) {
      rounds[i].push(medianTime(name, work, round === 0 ? FIRST_WARM_UP : WARM_UP));
      between();
    }
  }
  return rounds.map((medians) => medians.sort((a, b) => a - b)[ROUNDS >> 1]);
}
