/** The sizes of workloads.json, which `npm run bench:peers` reads too, and how much arithmetic they are. */
import { MOST_KEPT, projectsTable } from "../src/tensor/input-projection.ts";
import workloads from "./workloads.json";

export type Cell = "rnn" | "lstm" | "gru";

/** How many matrices of [H, …] a cell has. */
export const GATES: Record<Cell, number> = { rnn: 1, lstm: 4, gru: 3 };

export interface ModelSizes {
  cell: Cell;
  /** L */
  numLayers: number;
  /** V */
  vocabSize: number;
  /** E */
  embeddingSize: number;
  /** H */
  hiddenSize: number;
}

export interface Training extends ModelSizes {
  /** B */
  batchSize: number;
  /** T */
  steps: number;
}

export interface Generation extends ModelSizes {
  /** Tokens, one after another. */
  length: number;
}

export interface Forward {
  batchSize: number;
  steps: number;
  inputSize: number;
  hiddenSize: number;
}

/** C[m, n] = A[m, k] · B[k, n]. */
export interface Gemm {
  m: number;
  k: number;
  n: number;
}

export interface Unary {
  operation: "tanh" | "sigmoid";
  count: number;
}

interface Kinds {
  train: Training;
  generate: Generation;
  forward: Forward;
  gemm: Gemm;
  unary: Unary;
}

export type Workload<K extends keyof Kinds> = Kinds[K] & { name: string; title: string };

/** All workloads of a kind, in the file's order. */
export function workloadsOf<K extends keyof Kinds>(kind: K): Workload<K>[] {
  return Object.entries(workloads)
    .filter(([, workload]) => workload.kind === kind)
    .map(([name, workload]) => ({ name, ...workload }) as unknown as Workload<K>);
}

/** The matmuls of tokens on their way through the layers and the output; the first layer projects so many inputs. */
function modelFlops(sizes: ModelSizes, tokens: number, projected: number): number {
  const { cell, numLayers: L, vocabSize: V, embeddingSize: E, hiddenSize: H } = sizes;
  const gates = GATES[cell] * H;
  return 2 * (projected * gates * E + tokens * (gates * (H + (L - 1) * 2 * H) + H * V));
}

/**
 * The matmuls of forward and backward; the backward pass takes twice the forward's. With two tokens or more for each of the
 * vocabulary the first layer projects the vocabulary (src/tensor/input-projection.ts), which other libraries do not.
 */
export function trainingFlops(workload: Training): number {
  const tokens = workload.steps * workload.batchSize;
  const { vocabSize } = workload;
  return 3 * modelFlops(workload, tokens, projectsTable(tokens, vocabSize) ? vocabSize : tokens);
}

/** Reading single tokens, a small vocabulary is projected beforehand. */
export function generationFlops(workload: Generation): number {
  return modelFlops(workload, workload.length, workload.vocabSize <= MOST_KEPT ? 0 : workload.length);
}

export function forwardFlops({ batchSize, steps, inputSize, hiddenSize }: Forward): number {
  return 2 * batchSize * steps * GATES.lstm * hiddenSize * (inputSize + hiddenSize);
}

export function gemmFlops({ m, k, n }: Gemm): number {
  return 2 * m * k * n;
}

/** How many numbers a model learns: one bias more a gate row than needed, as in PyTorch. */
export function parameterCount(sizes: ModelSizes): number {
  const { cell, numLayers: L, vocabSize: V, embeddingSize: E, hiddenSize: H } = sizes;
  return V * E + GATES[cell] * H * (E + H + 2 + (L - 1) * (2 * H + 2)) + V * (H + 1);
}

/**
 * What a training step has to move, roughly: every array once for each pass over it, wherever it lies. Each parameter
 * 11 times (its gradient zeroed, added to, measured; Adam's four reads and three writes), W_hh once a time step each
 * way, and of each token the embedding 5 times, each gate 8 times, states 10 times, logits 6 times.
 */
export function trainingBytes(workload: Training): number {
  const {
    cell,
    numLayers: L,
    vocabSize: V,
    embeddingSize: E,
    hiddenSize: H,
    batchSize: B,
    steps: T,
  } = workload;
  const gates = GATES[cell];
  const recurrent = 2 * T * L * gates * H * H;
  const perToken = 5 * E + L * (8 * gates + 10) * H + 6 * V;
  return 4 * (11 * parameterCount(workload) + recurrent + T * B * perToken);
}
