/**
 * The GRU (Cho et al. 2014) over a whole sequence, in both of its forms. Gates are in PyTorch's order r, z, n,
 * and z keeps the old state: h_t = (1−z)⊙n + z⊙h_{t−1}.
 * Reset after (PyTorch, cuDNN): n = tanh(W_in x + b_in + r⊙(W_hn h + b_hn)).
 * Reset before (Cho et al.):    n = tanh(W_in x + b_in + W_hn (r⊙h) + b_hn).
 */
import { logistic } from "./activations.ts";
import { gemmPacked, packRight } from "./gemm.ts";
import {
  addColumnSums,
  createRecurrentGradients,
  fillRows,
  initialSlot,
  inputGradients,
  isActive,
  previousStates,
  projectInput,
  type RecurrentGradients,
  type RecurrentOptions,
  stepAt,
} from "./recurrent.ts";

export interface GruOptions extends RecurrentOptions {
  /** Whether the reset gate acts after the recurrent product (PyTorch) or on the state before it (Cho et al.). */
  resetAfter: boolean;
}

export interface GruState {
  /** [T+1, B, H]; see recurrent.ts for which slot is whose. */
  hidden: Float32Array;
  /** [T, B, 3H], after their nonlinearities; zeros where a row is beyond its length. */
  gates: Float32Array;
  /** [T, B, H]: W_hn h + b_hn if the reset is after, r⊙h if before; zeros where a row is beyond its length. */
  candidate: Float32Array;
}

export interface GruBackwardOptions extends GruOptions, GruState {
  /** [T+1, B, H], the gradient that reaches every slot from outside. */
  dHidden: Float32Array;
}

export interface GruGradients extends RecurrentGradients {
  /**
   * [T, B, H], with respect to the candidate's recurrent product, bias included: r times dGates' n part if the
   * reset is after, the same as it if before.
   */
  dCandidate: Float32Array;
}

export function createGruState({ steps, batch, hiddenSize }: RecurrentOptions): GruState {
  return {
    hidden: new Float32Array((steps + 1) * batch * hiddenSize),
    gates: new Float32Array(steps * batch * 3 * hiddenSize),
    candidate: new Float32Array(steps * batch * hiddenSize),
  };
}

export function createGruGradients(options: RecurrentOptions): GruGradients {
  const { steps, batch, hiddenSize } = options;
  return {
    ...createRecurrentGradients(options, 3),
    dCandidate: new Float32Array(steps * batch * hiddenSize),
  };
}

/** Writes every element of `state`. */
export function gruForward(options: GruOptions, state = createGruState(options)): GruState {
  const { steps, batch, hiddenSize: H, weightHh, biasIh, biasHh, resetAfter } = options;
  const { hidden, gates, candidate } = state;
  const resetUpdate = packRight(true, H, 2 * H, weightHh.subarray(0, 2 * H * H));
  const newState = packRight(true, H, H, weightHh.subarray(2 * H * H));
  const candidateBias = biasHh?.subarray(2 * H);
  const innerBias = biasHh?.slice();
  // Inside the reset's product the candidate's recurrent bias is not part of the input's sum.
  if (resetAfter) innerBias?.fill(0, 2 * H);
  projectInput(options, 3 * H, gates, biasIh, innerBias);
  if (resetAfter) fillRows(steps * batch, H, candidate, candidateBias);
  initialSlot(options, hidden).set(options.h0);
  for (let index = 0; index < steps; index++) {
    const { t, previous, current } = stepAt(options, index);
    const before = hidden.subarray(previous, previous + batch * H);
    const now = hidden.subarray(current, current + batch * H);
    const stepGates = gates.subarray(t * batch * 3 * H, (t + 1) * batch * 3 * H);
    const stepCandidate = candidate.subarray(t * batch * H, (t + 1) * batch * H);
    gemmPacked(false, batch, resetUpdate, before, H, stepGates, 3 * H, true);
    if (resetAfter) gemmPacked(false, batch, newState, before, H, stepCandidate, H, true);
    resetUpdateForward(options, stepGates, stepCandidate, before);
    const newSums = stepGates.subarray(2 * H);
    if (!resetAfter) gemmPacked(false, batch, newState, stepCandidate, H, newSums, 3 * H, true);
    for (let row = 0; row < batch; row++) {
      const gate = row * 3 * H;
      const active = isActive(options, t, row);
      for (let k = 0, at = row * H; k < H; k++, at++) {
        if (active) {
          const inner = resetAfter ? stepGates[gate + k] * stepCandidate[at] : 0;
          const z = stepGates[gate + H + k];
          const n = Math.tanh(stepGates[gate + 2 * H + k] + inner);
          stepGates[gate + 2 * H + k] = n;
          now[at] = (1 - z) * n + z * before[at];
        } else now[at] = before[at];
      }
      if (active) continue;
      stepGates.fill(0, gate, gate + 3 * H);
      stepCandidate.fill(0, row * H, (row + 1) * H);
    }
  }
  return state;
}

/** r and z from their sums, in place; before the product, also r⊙h. */
function resetUpdateForward(
  { batch, hiddenSize: H, resetAfter }: GruOptions,
  gates: Float32Array,
  candidate: Float32Array,
  before: Float32Array,
): void {
  for (let row = 0; row < batch; row++) {
    const gate = row * 3 * H;
    for (let k = 0; k < 2 * H; k++) gates[gate + k] = logistic(gates[gate + k]);
    if (resetAfter) continue;
    for (let k = 0, at = row * H; k < H; k++, at++) candidate[at] = gates[gate + k] * before[at];
  }
}

/** Overwrites dx, dh0, dHidden, dGates and dCandidate of `out`; adds to its weights' and biases' gradients. */
export function gruBackward(options: GruBackwardOptions, out = createGruGradients(options)): GruGradients {
  const { steps, batch, hiddenSize: H, weightHh, hidden, resetAfter } = options;
  const { dHidden, dGates, dCandidate } = out;
  const resetUpdate = packRight(false, 2 * H, H, weightHh.subarray(0, 2 * H * H));
  const newState = packRight(false, H, H, weightHh.subarray(2 * H * H));
  const dReset = new Float32Array(batch * H);
  dHidden.set(options.dHidden);
  for (let index = steps - 1; index >= 0; index--) {
    const { t, previous, current } = stepAt(options, index);
    const before = hidden.subarray(previous, previous + batch * H);
    const dBefore = dHidden.subarray(previous, previous + batch * H);
    const dNow = dHidden.subarray(current, current + batch * H);
    const stepGates = options.gates.subarray(t * batch * 3 * H, (t + 1) * batch * 3 * H);
    const stepCandidate = options.candidate.subarray(t * batch * H, (t + 1) * batch * H);
    const dStepGates = dGates.subarray(t * batch * 3 * H, (t + 1) * batch * 3 * H);
    const dStepCandidate = dCandidate.subarray(t * batch * H, (t + 1) * batch * H);
    for (let row = 0; row < batch; row++) {
      const active = isActive(options, t, row);
      const gate = row * 3 * H;
      if (!active) dStepGates.fill(0, gate, gate + 3 * H);
      for (let k = 0, at = row * H; k < H; k++, at++) {
        const dh = dNow[at];
        if (!active) {
          dBefore[at] += dh;
          dStepCandidate[at] = 0;
          continue;
        }
        const r = stepGates[gate + k];
        const z = stepGates[gate + H + k];
        const n = stepGates[gate + 2 * H + k];
        const dn = dh * (1 - z) * (1 - n * n);
        dBefore[at] += dh * z;
        if (resetAfter) dStepGates[gate + k] = dn * stepCandidate[at] * r * (1 - r);
        dStepGates[gate + H + k] = dh * (before[at] - n) * z * (1 - z);
        dStepGates[gate + 2 * H + k] = dn;
        dStepCandidate[at] = resetAfter ? dn * r : dn;
      }
    }
    if (resetAfter) gemmPacked(false, batch, newState, dStepCandidate, H, dBefore, H, true);
    else {
      gemmPacked(false, batch, newState, dStepCandidate, H, dReset, H);
      resetBackward(options, stepGates, before, dReset, dStepGates, dBefore);
    }
    gemmPacked(false, batch, resetUpdate, dStepGates, 3 * H, dBefore, H, true);
  }
  out.dh0.set(initialSlot(options, dHidden));
  recurrentGradients(options, out);
  inputGradients(options, 3 * H, out);
  return out;
}

/** Through r⊙h, when the reset is before. A row beyond its length has zeros in `gates` and in `dReset`. */
function resetBackward(
  { batch, hiddenSize: H }: GruOptions,
  gates: Float32Array,
  before: Float32Array,
  dReset: Float32Array,
  dGates: Float32Array,
  dBefore: Float32Array,
): void {
  for (let row = 0; row < batch; row++) {
    const gate = row * 3 * H;
    for (let k = 0, at = row * H; k < H; k++, at++) {
      const r = gates[gate + k];
      dGates[gate + k] = dReset[at] * before[at] * r * (1 - r);
      dBefore[at] += dReset[at] * r;
    }
  }
}

/** From dGates and dCandidate, once they are complete: the gradients of W_hh and b_hh. */
function recurrentGradients(options: GruBackwardOptions, out: GruGradients): void {
  const { steps, batch, hiddenSize: H, resetAfter } = options;
  const rows = steps * batch;
  const previous = previousStates(options, options.hidden);
  const states = packRight(false, rows, H, previous);
  const candidateInput = resetAfter ? states : packRight(false, rows, H, options.candidate);
  gemmPacked(true, 2 * H, states, out.dGates, 3 * H, out.dWeightHh, H, true);
  gemmPacked(true, H, candidateInput, out.dCandidate, H, out.dWeightHh.subarray(2 * H * H), H, true);
  const sums = new Float32Array(3 * H);
  addColumnSums(rows, 3 * H, out.dGates, sums);
  for (let i = 0; i < 2 * H; i++) out.dBiasHh[i] += sums[i];
  addColumnSums(rows, H, out.dCandidate, out.dBiasHh.subarray(2 * H));
}
