/** Elman's recurrent layer (1990) over a whole sequence: h_t = f(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh). */
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

export interface RnnOptions extends RecurrentOptions {
  nonlinearity: "tanh" | "relu";
}

export interface RnnState {
  /** [T+1, B, H]; see recurrent.ts for which slot is whose. */
  hidden: Float32Array;
}

export interface RnnBackwardOptions extends RnnOptions, RnnState {
  /** [T+1, B, H], the gradient that reaches every slot from outside. */
  dHidden: Float32Array;
}

export function createRnnState({ steps, batch, hiddenSize }: RecurrentOptions): RnnState {
  return { hidden: new Float32Array((steps + 1) * batch * hiddenSize) };
}

export function createRnnGradients(options: RecurrentOptions): RecurrentGradients {
  return createRecurrentGradients(options, 1);
}

/** Writes every slot of `state`. */
export function rnnForward(options: RnnOptions, state = createRnnState(options)): RnnState {
  const { steps, batch, hiddenSize, nonlinearity } = options;
  const { hidden } = state;
  const recurrent = packRight(true, hiddenSize, hiddenSize, options.weightHh);
  // The projections go where the states will be, so that each step adds to them in place.
  const projected = currentStates(options, hidden);
  projectInput(options, hiddenSize, projected, options.biasIh, options.biasHh);
  initialSlot(options, hidden).set(options.h0);
  for (let index = 0; index < steps; index++) {
    const { t, previous, current } = stepAt(options, index);
    const out = hidden.subarray(current);
    gemmPacked(false, batch, recurrent, hidden.subarray(previous), hiddenSize, out, hiddenSize, true);
    for (let row = 0; row < batch; row++) {
      const active = isActive(options, t, row);
      for (let i = 0, at = row * hiddenSize; i < hiddenSize; i++, at++) {
        if (!active) out[at] = hidden[previous + at];
        else out[at] = nonlinearity === "tanh" ? Math.tanh(out[at]) : Math.max(0, out[at]);
      }
    }
  }
  return state;
}

/** Overwrites dx, dh0, dHidden and dGates of `out`; adds to its weights' and biases' gradients. */
export function rnnBackward(
  options: RnnBackwardOptions,
  out = createRnnGradients(options),
): RecurrentGradients {
  const { steps, batch, hiddenSize, hidden, nonlinearity } = options;
  const { dHidden, dGates } = out;
  const slot = batch * hiddenSize;
  const recurrent = packRight(false, hiddenSize, hiddenSize, options.weightHh);
  dHidden.set(options.dHidden);
  for (let index = steps - 1; index >= 0; index--) {
    const { t, previous, current } = stepAt(options, index);
    const dStep = dGates.subarray(t * slot, (t + 1) * slot);
    for (let row = 0; row < batch; row++) {
      const active = isActive(options, t, row);
      for (let i = 0, at = row * hiddenSize; i < hiddenSize; i++, at++) {
        const h = hidden[current + at];
        const dh = dHidden[current + at];
        if (!active) dHidden[previous + at] += dh;
        const slope = nonlinearity === "tanh" ? 1 - h * h : Number(h > 0);
        dStep[at] = active ? dh * slope : 0;
      }
    }
    gemmPacked(false, batch, recurrent, dStep, hiddenSize, dHidden.subarray(previous), hiddenSize, true);
  }
  out.dh0.set(initialSlot(options, dHidden));
  const rows = steps * batch;
  gemm(
    true,
    false,
    hiddenSize,
    hiddenSize,
    rows,
    dGates,
    previousStates(options, hidden),
    out.dWeightHh,
    true,
  );
  addColumnSums(rows, hiddenSize, dGates, out.dBiasHh);
  inputGradients(options, hiddenSize, out);
  return out;
}
