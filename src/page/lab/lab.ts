/** The page's side of the laboratory. */
import { fromPlainError } from "../../trainer/protocol.ts";
import type { JobName, JobResponse, Jobs } from "./protocol.ts";

/** One worker, which starts with the first job. */
export class Lab {
  #worker: Worker | undefined;
  #next = 0;
  readonly #pending = new Map<
    number,
    { resolve(output: never): void; reject(error: Error): void; onProgress?: (progress: never) => void }
  >();

  run<J extends JobName>(
    job: J,
    input: Jobs[J]["input"],
    onProgress?: (progress: Jobs[J]["progress"]) => void,
  ): Promise<Jobs[J]["output"]> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress });
      this.#start().postMessage({ id, job, input });
    });
  }

  /** Ends the job that runs, and whatever waits behind it: their promises are never settled. */
  stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#pending.clear();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./lab-worker.js", import.meta.url), {
      type: "module",
      name: "unrolled lab",
    });
    worker.onmessage = ({ data }) => this.#receive(data as JobResponse);
    worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.#pending.values()) {
        reject(new Error(`The laboratory's worker failed: ${event.message || "it could not be loaded"}`));
      }
      this.stop();
    };
    this.#worker = worker;
    return worker;
  }

  #receive(response: JobResponse): void {
    const pending = this.#pending.get(response.id);
    if (!pending) return;
    if (response.kind === "progress") {
      pending.onProgress?.(response.progress as never);
      return;
    }
    this.#pending.delete(response.id);
    if (response.kind === "done") pending.resolve(response.output as never);
    else pending.reject(fromPlainError(response.error));
  }
}
