/**
 * The LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000) over a whole sequence:
 * i, f, o = σ(·), g = tanh(·), c_t = f⊙c_{t−1} + i⊙g, h_t = o⊙tanh(c_t). Gates are in PyTorch's order i, f, g, o.
 * With a projection (Sak et al. 2014) h_t = W_hr (o⊙tanh(c_t)) has P numbers; then P stands for H in what is said of
 * h and W_hh.
 */
import { logistic } from "./activations.ts";
import { gemm, gemmPacked, packRight } from "./gemm.ts";
import {
  addColumnSums,
  createRecurrentGradients,
  currentStates,
  initialSlot,
  inputGradients,
  isActive,
  previousStates,
  projectInput,
  type RecurrentGradients,
  type RecurrentOptions,
  stepAt,
} from "./recurrent.ts";

export interface LstmOptions extends RecurrentOptions {
  /** [B, H] */
  c0: Float32Array;
  /** [P, H] */
  weightHr?: Float32Array;
}

export interface LstmState {
  /** [T+1, B, H]; see recurrent.ts for which slot is whose. */
  hidden: Float32Array;
  /** [T+1, B, H] */
  cell: Float32Array;
  /** [T, B, 4H], after their nonlinearities; zeros where a row is beyond its length. */
  gates: Float32Array;
  /** With a projection: [T, B, H], o⊙tanh(c); zeros where a row is beyond its length. */
  products: Float32Array;
}

export interface LstmBackwardOptions extends LstmOptions, LstmState {
  /** [T+1, B, H], the gradient that reaches every slot of `hidden` from outside. */
  dHidden: Float32Array;
  /** [T+1, B, H], likewise for `cell`. */
  dCell: Float32Array;
}

export interface LstmGradients extends RecurrentGradients {
  /** [B, H] */
  dc0: Float32Array;
  /** [T+1, B, H], the whole dL/dc of every slot, through h_t too. */
  dCell: Float32Array;
  /** With a projection: [P, H]. */
  dWeightHr: Float32Array;
}

/** P: H unless there is a projection. */
function stateSizeOf({ hiddenSize, weightHr }: LstmOptions): number {
  return weightHr ? weightHr.length / hiddenSize : hiddenSize;
}

export function createLstmState(options: LstmOptions): LstmState {
  const { steps, batch, hiddenSize, weightHr } = options;
  return {
    hidden: new Float32Array((steps + 1) * batch * stateSizeOf(options)),
    products: new Float32Array(weightHr ? steps * batch * hiddenSize : 0),
    cell: new Float32Array((steps + 1) * batch * hiddenSize),
    gates: new Float32Array(steps * batch * 4 * hiddenSize),
  };
}

export function createLstmGradients(options: LstmOptions): LstmGradients {
  const { steps, batch, hiddenSize, weightHr } = options;
  return {
    ...createRecurrentGradients(options, 4, stateSizeOf(options)),
    dWeightHr: new Float32Array(weightHr?.length ?? 0),
    dc0: new Float32Array(batch * hiddenSize),
    dCell: new Float32Array((steps + 1) * batch * hiddenSize),
  };
}

/** Writes every element of `state`. */
export function lstmForward(options: LstmOptions, state = createLstmState(options)): LstmState {
  const { steps, batch, hiddenSize: H, weightHr } = options;
  const { hidden, cell, gates, products } = state;
  const P = stateSizeOf(options);
  const recurrent = packRight(true, P, 4 * H, options.weightHh);
  const projection = weightHr && packRight(true, H, P, weightHr);
  projectInput(options, 4 * H, gates, options.biasIh, options.biasHh);
  initialSlot(options, hidden, P).set(options.h0);
  initialSlot(options, cell).set(options.c0);
  for (let index = 0; index < steps; index++) {
    const { t, previous, current } = stepAt(options, index);
    const slots = stepAt(options, index, P);
    const stepGates = gates.subarray(t * batch * 4 * H, (t + 1) * batch * 4 * H);
    gemmPacked(false, batch, recurrent, hidden.subarray(slots.previous), P, stepGates, 4 * H, true);
    // Without a projection the products are the states.
    const out = projection ? products : hidden;
    for (let row = 0; row < batch; row++) {
      const before = previous + row * H;
      const now = current + row * H;
      const gate = row * 4 * H;
      const to = projection ? (t * batch + row) * H : now;
      if (isActive(options, t, row)) gateForward(H, stepGates, gate, cell, before, now, out, to);
      else {
        stepGates.fill(0, gate, gate + 4 * H);
        out.fill(0, to, to + H);
        cell.copyWithin(now, before, before + H);
      }
    }
    if (projection) {
      const from = products.subarray(t * batch * H);
      gemmPacked(false, batch, projection, from, H, hidden.subarray(slots.current), P);
    }
    for (let row = 0; row < batch; row++) {
      if (isActive(options, t, row)) continue;
      const before = slots.previous + row * P;
      hidden.copyWithin(slots.current + row * P, before, before + P);
    }
  }
  return state;
}

/** One row of one step: gates from their sums, in place, then c and o⊙tanh(c). */
function gateForward(
  H: number,
  gates: Float32Array,
  at: number,
  cell: Float32Array,
  before: number,
  now: number,
  out: Float32Array,
  to: number,
): void {
  for (let k = 0; k < H; k++) {
    const i = logistic(gates[at + k]);
    const f = logistic(gates[at + H + k]);
    const g = Math.tanh(gates[at + 2 * H + k]);
    const o = logistic(gates[at + 3 * H + k]);
    gates[at + k] = i;
    gates[at + H + k] = f;
    gates[at + 2 * H + k] = g;
    gates[at + 3 * H + k] = o;
    const c = f * cell[before + k] + i * g;
    cell[now + k] = c;
    out[to + k] = o * Math.tanh(c);
  }
}

/** Overwrites dx, dh0, dc0, dHidden, dCell and dGates of `out`; adds to its weights' and biases' gradients. */
export function lstmBackward(
  options: LstmBackwardOptions,
  out = createLstmGradients(options),
): LstmGradients {
  const { steps, batch, hiddenSize: H, hidden, weightHr, products } = options;
  const { dHidden, dCell, dGates } = out;
  const P = stateSizeOf(options);
  const recurrent = packRight(false, 4 * H, P, options.weightHh);
  const projection = weightHr && packRight(false, P, H, weightHr);
  const dProducts = new Float32Array(batch * H);
  dHidden.set(options.dHidden);
  dCell.set(options.dCell);
  for (let index = steps - 1; index >= 0; index--) {
    const { t, previous, current } = stepAt(options, index);
    const slots = stepAt(options, index, P);
    if (projection) gemmPacked(false, batch, projection, dHidden.subarray(slots.current), P, dProducts, H);
    else dProducts.set(dHidden.subarray(current, current + batch * H));
    for (let row = 0; row < batch; row++) {
      const before = previous + row * H;
      const now = current + row * H;
      const gate = (t * batch + row) * 4 * H;
      if (isActive(options, t, row)) {
        gateBackward(H, options, out, gate, before, now, dProducts.subarray(row * H));
      } else {
        dGates.fill(0, gate, gate + 4 * H);
        for (let k = 0; k < H; k++) dCell[before + k] += dCell[now + k];
        const [from, to] = [slots.current + row * P, slots.previous + row * P];
        for (let k = 0; k < P; k++) dHidden[to + k] += dHidden[from + k];
      }
    }
    const dStep = dGates.subarray(t * batch * 4 * H);
    gemmPacked(false, batch, recurrent, dStep, 4 * H, dHidden.subarray(slots.previous), P, true);
  }
  out.dh0.set(initialSlot(options, dHidden, P));
  out.dc0.set(initialSlot(options, dCell));
  const rows = steps * batch;
  gemm(true, false, 4 * H, P, rows, dGates, previousStates(options, hidden, P), out.dWeightHh, true);
  // A row beyond its length has zeros in `products`.
  if (weightHr) {
    gemm(true, false, P, H, rows, currentStates(options, dHidden, P), products, out.dWeightHr, true);
  }
  addColumnSums(rows, 4 * H, dGates, out.dBiasHh);
  inputGradients(options, 4 * H, out);
  return out;
}

/** One row of one step: the gradients of the gates' sums, and what goes back through the cell. */
function gateBackward(
  H: number,
  { gates, cell }: LstmState,
  { dCell, dGates }: LstmGradients,
  at: number,
  before: number,
  now: number,
  dProducts: Float32Array,
): void {
  for (let k = 0; k < H; k++) {
    const i = gates[at + k];
    const f = gates[at + H + k];
    const g = gates[at + 2 * H + k];
    const o = gates[at + 3 * H + k];
    const squashed = Math.tanh(cell[now + k]);
    const dh = dProducts[k];
    const dc = dCell[now + k] + dh * o * (1 - squashed * squashed);
    dCell[now + k] = dc;
    dCell[before + k] += dc * f;
    dGates[at + k] = dc * g * i * (1 - i);
    dGates[at + H + k] = dc * cell[before + k] * f * (1 - f);
    dGates[at + 2 * H + k] = dc * i * (1 - g * g);
    dGates[at + 3 * H + k] = dh * squashed * o * (1 - o);
  }
}
