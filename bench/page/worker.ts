/** Runs the suite beside the page, where it may compute for long and wait for threads. */
import { run } from "../suite.ts";
import type { Message, Start } from "./messages.ts";

const post = (message: Message): void => self.postMessage(message);

self.onmessage = async ({ data }: MessageEvent<Start>) => {
  try {
    const rows = await run(data.filter, (row) => post({ kind: "row", row }));
    post({ kind: "done", rows });
  } catch (error) {
    post({ kind: "failed", why: (error as Error).message });
  }
};
