/**
 * `npm run example:memory`: how long RNN, LSTM and GRU remember, with as many parameters each. Trains every cell on
 * every task and length, prints a table a task, and writes a plot a task and all figures as JSON.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Presets, SingleBar } from "cli-progress";
import type { Job, Result } from "./measure.ts";
import { CELLS, type Cell } from "./model.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { measureAll, type PoolEvents } from "./pool.ts";
import { drawChart, formatTable } from "./report.ts";
import { PROFILES } from "./tasks.ts";

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
  const { tasks, out, json } = options;
  mkdirSync(out, { recursive: true });
  const jobs = planJobs(options);
  const progress = showProgress(jobs);
  const results = await measureAll(jobs, availableParallelism(), progress.events);
  progress.stop();

  const report = `${JSON.stringify(results, undefined, 2)}\n`;
  writeFileSync(join(out, "memory.json"), report);
  if (json) process.stdout.write(report);
  for (const task of tasks) {
    const ofTask = results.filter((result) => result.task === task);
    const path = join(out, `memory-${task}.svg`);
    writeFileSync(path, drawChart(task, ofTask));
    if (!json) console.log(`\n${formatTable(task, ofTask)}\nplot: ${path}`);
  }
  return 0;
}

function planJobs({ tasks, lengths, steps, seed }: Options): Job[] {
  return tasks.flatMap((task) =>
    (lengths ?? PROFILES[task].lengths).flatMap((length) =>
      (Object.keys(CELLS) as Cell[]).map((cell) => ({
        task,
        cell,
        length,
        steps: steps ?? PROFILES[task].steps,
        seed,
      })),
    ),
  );
}

/** On standard error: a bar over the time steps of all jobs in a terminal, and a line a finished job. */
function showProgress(jobs: readonly Job[]): { events: PoolEvents; stop(): void } {
  const total = jobs.reduce((sum, { length, steps }) => sum + length * steps, 0);
  const done = new Map<Job, number>();
  const finished: Result[] = [];
  const bar =
    process.stderr.isTTY &&
    new SingleBar(
      {
        format: "{bar} {percentage}%  {finished} of {jobs} models  {eta_formatted} left",
        barsize: 24,
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
      },
      Presets.shades_classic,
    );
  if (bar) bar.start(total, 0, { finished: 0, jobs: jobs.length });
  const update = (job: Job, timeSteps: number): void => {
    done.set(job, timeSteps);
    const sum = [...done.values()].reduce((a, b) => a + b, 0);
    if (bar) bar.update(sum, { finished: finished.length });
  };
  return {
    events: {
      onStep: (job, step) => update(job, step * job.length),
      onResult: (job, result) => {
        finished.push(result);
        update(job, job.steps * job.length);
        const { task, cell, length, error, seconds } = result;
        if (bar) process.stderr.write("\r\x1b[K");
        console.error(`${task} T=${length} ${cell}: error ${error.toFixed(4)} after ${seconds.toFixed(0)} s`);
      },
    },
    stop: () => {
      if (bar) bar.stop();
    },
  };
}

process.exitCode = await main();
