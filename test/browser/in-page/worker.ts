/** Trains in a Worker, where threads may wait for each other. */
import { reproducibleRun } from "../../helpers/reproducible-run.ts";

self.onmessage = async ({ data }: MessageEvent<number>) => {
  try {
    self.postMessage({ result: await reproducibleRun(data) });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
