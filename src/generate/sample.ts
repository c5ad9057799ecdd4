import { ConfigError } from "../errors.ts";

export interface SampleOptions {
  /** Logits are divided by it: below 1 safer, above 1 wilder; 0 takes the likeliest token. Default 1. */
  temperature?: number;
  /** Only the k likeliest tokens. Default: all. */
  topK?: number;
  /** Only the likeliest tokens whose probabilities sum to p (Holtzman et al. 2020). Default 1: all. */
  topP?: number;
}

/** @throws ConfigError on an option out of range. */
export function checkSampleOptions({ temperature = 1, topK = 1, topP = 1 }: SampleOptions): void {
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    throw new ConfigError(`temperature must be a number from 0, got ${temperature}`);
  }
  if (!Number.isInteger(topK) || topK < 1)
    throw new ConfigError(`topK must be an integer from 1, got ${topK}`);
  if (!(topP > 0 && topP <= 1)) throw new ConfigError(`topP must be above 0 and at most 1, got ${topP}`);
}

/**
 * Draws a token from probabilities (which sum to 1 already, at the temperature wanted) and a number u in [0, 1).
 * Ties go to the smaller id. Only sums and comparisons: the same in every runtime.
 */
export function sample(probabilities: Float32Array, u: number, { topK, topP = 1 }: SampleOptions): number {
  const size = probabilities.length;
  if (topK === undefined && topP === 1) return walk(probabilities, undefined, 1, u);
  const order = byProbability(probabilities);
  const kept: number[] = [];
  let sum = 0;
  for (const id of order.slice(0, topK ?? size)) {
    kept.push(id);
    sum += probabilities[id];
    if (sum >= topP) break;
  }
  return walk(probabilities, kept, sum, u);
}

/** @throws ConfigError unless it is an integer from 0. */
export function checkCount(name: string, count: number): void {
  if (!Number.isInteger(count) || count < 0) {
    throw new ConfigError(`${name} must be an integer from 0, got ${count}`);
  }
}

/** The ids of the largest probabilities, the largest first; of equal ones, the smaller id. Quick for few of them. */
export function likeliest(probabilities: Float32Array, count: number): { id: number; probability: number }[] {
  const best: number[] = [];
  for (let id = 0; id < probabilities.length; id++) {
    if (best.length >= count && !(probabilities[id] > probabilities[best[count - 1]])) continue;
    let at = best.length;
    while (at > 0 && probabilities[id] > probabilities[best[at - 1]]) at--;
    best.splice(at, 0, id);
    best.length = Math.min(best.length, count);
  }
  return best.map((id) => ({ id, probability: probabilities[id] }));
}

function byProbability(probabilities: Float32Array): number[] {
  return Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
}

/** The first id at which the running sum passes u · total. */
function walk(probabilities: Float32Array, ids: number[] | undefined, total: number, u: number): number {
  const count = ids?.length ?? probabilities.length;
  let left = u * total;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const id = ids ? ids[i] : i;
    if (probabilities[id] <= 0) continue;
    left -= probabilities[id];
    last = id;
    if (left < 0) return id;
  }
  return last;
}

/** The id of the largest element; the smallest such id. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
