/** Times in milliseconds. */

export async function time(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The times of `runs` calls. */
export async function times(runs: number, work: () => unknown): Promise<number[]> {
  const result: number[] = [];
  for (let run = 0; run < runs; run++) result.push(await time(work));
  return result;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
