/**
 * What the recurrent layers share: their inputs, the order of the steps, and where a step's states lie.
 *
 * A state's history is [T+1, B, H], one slot more than there are steps. Read forwards, slot 0 holds the initial
 * state and step t reads slot t and writes slot t+1. Read in reverse, slot T holds the initial state and step t
 * reads slot t+1 and writes slot t.
 */
import { gemm } from "./gemm.ts";

/** The inputs of one layer, G being the number of gates. Weights are laid out as in PyTorch. */
export interface RecurrentOptions {
  /** T */
  steps: number;
  /** B */
  batch: number;
  /** I */
  inputSize: number;
  /** H */
  hiddenSize: number;
  /** [T, B, I] */
  x: Float32Array;
  /** [B, H] */
  h0: Float32Array;
  /** [G·H, I] */
  weightIh: Float32Array;
  /** [G·H, H] */
  weightHh: Float32Array;
  /** [G·H] */
  biasIh?: Float32Array;
  /** [G·H] */
  biasHh?: Float32Array;
  /** Read the sequence from its end to its beginning. */
  reverse?: boolean;
  /** [B], each 0 to T: from step lengths[b] on, row b carries its state unchanged. */
  lengths?: Int32Array;
}

/** The gradients that every layer gives. Those of weights and biases are added to what is there. */
export interface RecurrentGradients {
  /** [T, B, I] */
  dx: Float32Array;
  /** [B, H] */
  dh0: Float32Array;
  /** [G·H, I] */
  dWeightIh: Float32Array;
  /** [G·H, H] */
  dWeightHh: Float32Array;
  /** [G·H] */
  dBiasIh: Float32Array;
  /** [G·H] */
  dBiasHh: Float32Array;
  /** [T+1, B, H], the whole dL/dh of every slot: what came from outside and what came through later steps. */
  dHidden: Float32Array;
  /** [T, B, G·H], with respect to what enters the gates' nonlinearities from the input's side. */
  dGates: Float32Array;
}

/** New arrays of zeros for a layer of `gates` gates. */
export function createRecurrentGradients(
  options: RecurrentOptions,
  gates: number,
  stateSize = options.hiddenSize,
): RecurrentGradients {
  const { steps, batch, inputSize, hiddenSize } = options;
  const width = gates * hiddenSize;
  return {
    dx: new Float32Array(steps * batch * inputSize),
    dh0: new Float32Array(batch * stateSize),
    dWeightIh: new Float32Array(width * inputSize),
    dWeightHh: new Float32Array(width * stateSize),
    dBiasIh: new Float32Array(width),
    dBiasHh: new Float32Array(width),
    dHidden: new Float32Array((steps + 1) * batch * stateSize),
    dGates: new Float32Array(steps * batch * width),
  };
}

/** Where the `index`-th step to be computed reads and writes. */
export interface Step {
  /** Which step of the sequence this is. */
  t: number;
  /** Offset of the state it reads, in a [T+1, B, H] history. */
  previous: number;
  /** Offset of the state it writes. */
  current: number;
}

/** `size`: how many numbers a row of the history has. */
export function stepAt(options: RecurrentOptions, index: number, size = options.hiddenSize): Step {
  const { steps, batch, reverse } = options;
  const slot = batch * size;
  const t = reverse ? steps - 1 - index : index;
  return reverse
    ? { t, previous: (t + 1) * slot, current: t * slot }
    : { t, previous: t * slot, current: (t + 1) * slot };
}

export function isActive(options: RecurrentOptions, t: number, row: number): boolean {
  return options.lengths === undefined || t < options.lengths[row];
}

/** The slot that holds the initial state. */
export function initialSlot(
  options: RecurrentOptions,
  history: Float32Array,
  size = options.hiddenSize,
): Float32Array {
  const slot = options.batch * size;
  const at = options.reverse ? options.steps * slot : 0;
  return history.subarray(at, at + slot);
}

/** The [T, B, H] states that the steps read, in the order of the sequence. */
export function previousStates(
  options: RecurrentOptions,
  history: Float32Array,
  size = options.hiddenSize,
): Float32Array {
  const slot = options.batch * size;
  return options.reverse ? history.subarray(slot) : history.subarray(0, options.steps * slot);
}

/** The [T, B, H] states that the steps write, in the order of the sequence. */
export function currentStates(
  options: RecurrentOptions,
  history: Float32Array,
  size = options.hiddenSize,
): Float32Array {
  const slot = options.batch * size;
  return options.reverse ? history.subarray(0, options.steps * slot) : history.subarray(slot);
}

/** out[T·B, width] = x · W_ihᵀ + the given biases: the whole sequence in one product. */
export function projectInput(
  options: RecurrentOptions,
  width: number,
  out: Float32Array,
  ...biases: (Float32Array | undefined)[]
): void {
  const { steps, batch, inputSize, x, weightIh } = options;
  const rows = steps * batch;
  fillRows(rows, width, out, ...biases);
  gemm(false, true, rows, width, inputSize, x, weightIh, out, true);
}

/** Sets each of `rows` rows to the sum of the biases that are given. */
export function fillRows(
  rows: number,
  width: number,
  out: Float32Array,
  ...biases: (Float32Array | undefined)[]
): void {
  const first = out.subarray(0, rows === 0 ? 0 : width).fill(0);
  for (const bias of biases) {
    if (bias) for (let i = 0; i < first.length; i++) first[i] += bias[i];
  }
  for (let r = 1; r < rows; r++) out.copyWithin(r * width, 0, width);
}

/** out[width] += the sum of the rows. */
export function addColumnSums(rows: number, width: number, values: Float32Array, out: Float32Array): void {
  const sums = new Float64Array(width);
  for (let r = 0, at = 0; r < rows; r++) {
    for (let i = 0; i < width; i++, at++) sums[i] += values[at];
  }
  for (let i = 0; i < width; i++) out[i] += sums[i];
}

/** From dGates, once it is complete: the gradients of the input, W_ih and b_ih. */
export function inputGradients(options: RecurrentOptions, width: number, out: RecurrentGradients): void {
  const { steps, batch, inputSize, x, weightIh } = options;
  const rows = steps * batch;
  gemm(false, false, rows, inputSize, width, out.dGates, weightIh, out.dx);
  gemm(true, false, width, inputSize, rows, out.dGates, x, out.dWeightIh, true);
  addColumnSums(rows, width, out.dGates, out.dBiasIh);
}
