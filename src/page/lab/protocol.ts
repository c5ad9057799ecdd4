/*
 * What the page asks of its laboratory: jobs that compute for a while, in a worker, and are not training runs. A
 * worker does one job at a time; a job that is not wanted any more ends with its worker.
 */
import type { PlainError } from "../../trainer/protocol.ts";
import type { BenchInput, BenchProgress, BenchRow } from "./bench.ts";
import type { BPEInput, BPEOutput, BPEStatus } from "./bpe.ts";
import type { GradientsInput, GradientsOutput } from "./gradients.ts";
import type { VectorsInput, VectorsOutput } from "./vectors.ts";

export interface Jobs {
  bpe: { input: BPEInput; progress: BPEStatus; output: BPEOutput };
  vectors: { input: VectorsInput; progress: VectorsOutput; output: VectorsOutput };
  gradients: { input: GradientsInput; progress: never; output: GradientsOutput };
  bench: { input: BenchInput; progress: BenchProgress; output: BenchRow[] };
}

export type JobName = keyof Jobs;

export type JobRequest = { [J in JobName]: { id: number; job: J; input: Jobs[J]["input"] } }[JobName];

export type JobResponse =
  | { kind: "progress"; id: number; progress: unknown }
  | { kind: "done"; id: number; output: unknown }
  | { kind: "error"; id: number; error: PlainError };
