/** unrolled.min.js: the whole library in one file, which is the program of its trainers' workers too. */
import { serve } from "./trainer/serve.ts";
import { WORKER_NAME } from "./trainer/trainer.ts";

export * from "./index.ts";

const { name } = globalThis as { name?: string };
if ("WorkerGlobalScope" in globalThis && name === WORKER_NAME) serve(globalThis as never);
