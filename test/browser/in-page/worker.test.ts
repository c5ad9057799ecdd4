import { expect, test } from "vitest";
import { WEIGHTS } from "../../helpers/reproducible-run.ts";

test.each([1, 3])("a Worker's training gives the same weights as Node's: %i threads", async (threads) => {
  const worker = new Worker(new URL("worker.ts", import.meta.url), { type: "module" });
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  worker.postMessage(threads);
  // WebKitGTK has no SharedArrayBuffer.
  const running = typeof SharedArrayBuffer === "function" ? threads : 1;
  expect(await answer).toEqual({ result: { weights: WEIGHTS, threads: running } });
  worker.terminate();
});
