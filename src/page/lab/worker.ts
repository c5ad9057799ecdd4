/** The whole program of the laboratory's worker. */
import { toPlainError } from "../../trainer/protocol.ts";
import { runBench } from "./bench.ts";
import { learnBPE } from "./bpe.ts";
import { measureGradients } from "./gradients.ts";
import type { JobRequest, JobResponse } from "./protocol.ts";
import { learnVectors } from "./vectors.ts";

const post = (response: JobResponse): void => postMessage(response);

async function run(request: JobRequest): Promise<unknown> {
  const onProgress = (progress: unknown): void => post({ kind: "progress", id: request.id, progress });
  switch (request.job) {
    case "bpe":
      return learnBPE(request.input, onProgress);
    case "vectors":
      return learnVectors(request.input, onProgress);
    case "gradients":
      return measureGradients(request.input);
    case "bench":
      return runBench(request.input, onProgress);
  }
}

// One after the other: they share the machine.
let last: Promise<unknown> = Promise.resolve();
addEventListener("message", ({ data }) => {
  const request = data as JobRequest;
  last = last
    .then(() => run(request))
    .then(
      (output) => post({ kind: "done", id: request.id, output }),
      (error) => post({ kind: "error", id: request.id, error: toPlainError(error) }),
    );
});
