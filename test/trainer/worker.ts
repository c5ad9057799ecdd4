import { serve } from "../../src/trainer/serve.ts";
import type { TrainerWorker } from "../../src/trainer/trainer.ts";

/** What a worker runs, in this thread: messages are copied as between threads. */
export function localWorker(): TrainerWorker {
  const { port1, port2 } = new MessageChannel();
  serve(port1 as never);
  return Object.assign(port2, {
    onerror: null,
    terminate: () => {
      port1.onmessage = null;
      port2.close();
    },
  }) as never;
}
