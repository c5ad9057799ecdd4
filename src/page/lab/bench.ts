/** The project's own bench, in the visitor's browser. */
import type { Row } from "../../../bench/report.ts";
import { run } from "../../../bench/suite.ts";

export interface BenchInput {
  /** Parts of the names of what to measure, with commas between. */
  filter: string;
}

export type BenchRow = Row;
export type BenchProgress = Row;

export function runBench(
  { filter }: BenchInput,
  onProgress: (row: BenchProgress) => void,
): Promise<BenchRow[]> {
  return run(filter, onProgress);
}
