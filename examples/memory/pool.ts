import { Worker } from "node:worker_threads";
import type { Job, Result } from "./measure.ts";
import type { FromWorker } from "./worker.ts";

export interface PoolEvents {
  /** Steps of a job done so far. */
  onStep(job: Job, step: number): void;
  onResult(job: Job, result: Result): void;
}

/**
 * Measures all jobs, one a thread at a time, the longest first so that no thread is left alone with one at the end.
 * Results come in the order of the jobs, whatever the number of threads.
 */
export async function measureAll(
  jobs: readonly Job[],
  threads: number,
  events: PoolEvents,
): Promise<Result[]> {
  const waiting = [...jobs.entries()].sort(([, a], [, b]) => b.length * b.steps - a.length * a.steps);
  const results: Result[] = [];
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL("./worker.js", import.meta.url));
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, job] = next;
        results[index] = await run(worker, job, events);
        events.onResult(job, results[index]);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, work));
  return results;
}

function run(worker: Worker, job: Job, { onStep }: PoolEvents): Promise<Result> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners();
    worker.on("message", (message: FromWorker) => {
      if (message.kind === "step") onStep(job, message.step);
      else resolve(message.result);
    });
    worker.on("error", reject);
    worker.postMessage(job);
  });
}
