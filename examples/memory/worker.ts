/** A thread that measures one job after the other; see pool.ts for who sends them. */
import { parentPort } from "node:worker_threads";
import { type Job, measure, type Result } from "./measure.ts";

export type FromWorker = { kind: "step"; step: number } | { kind: "result"; result: Result };

/** Messages that tell of progress, at most one every so many milliseconds. */
const TELL_EVERY = 100;

parentPort?.on("message", async (job: Job) => {
  const post = (message: FromWorker): void => parentPort?.postMessage(message);
  let told = 0;
  const result = await measure(job, (step) => {
    if (performance.now() - told < TELL_EVERY) return;
    told = performance.now();
    post({ kind: "step", step });
  });
  post({ kind: "result", result });
});
