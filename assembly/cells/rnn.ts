// Elman RNN (Elman 1990), one layer, a whole sequence.
//
//   forward   h_t = f(W_ih x_t + b + W_hh h_{t−1}),  f = tanh or relu
//   backward  da_t = dh_t ⊙ f′(a_t),  dh_{t−1} += W_hhᵀ da_t;  f′ from h_t alone: 1 − h², or h > 0
//
// Arguments and shapes: recurrent.ts. gates [N, H] holds W_ih x + b when rnnForward starts (one gemm over the whole
// sequence), what f was applied to after it, and da after rnnBackward, from which gemm makes dW_ih, dW_hh, dx and db.
// dHidden [T+1, B, H] holds what reaches each state from outside; afterwards it holds the whole dL/dh_t.
// Split by batch rows, each part all T steps of its rows. W_hh comes packed (recurrent.ts).

import { loadUpTo4, partStart, storePair, storeUpTo4 } from "../simd";
import { reluSpan, tanhSpan } from "../spans";
import {
  multiplyInput,
  multiplyRecurrent,
  multiplyRecurrentTransposed,
  previousSlot,
  RecurrentArgs,
  ROW_GRAIN,
  rowsAt,
  slot,
  throughTanh,
  timeOf,
  tokenAt,
} from "./recurrent";

export function rnnForward(args: RecurrentArgs, part: i32, parts: i32): void {
  multiplyInput(args);
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const row = <usize>h << 2;
  for (let step = 0; step < args.steps; step++) {
    const t = timeOf(args, step);
    const rows = rowsAt(args, t, from, to);
    const gates = args.gates + tokenAt(args, t, from) * row;
    const before = previousSlot(args, args.hidden, t, from, h);
    const now = slot(args, args.hidden, t, from, h);
    multiplyRecurrent(args, before, h, h, args.weights, args.packed, gates, h, rows, step);
    if (args.variant) reluSpan(gates, now, rows * h);
    else tanhSpan(gates, now, rows * h);
  }
}

export function rnnBackward(args: RecurrentArgs, part: i32, parts: i32): void {
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const row = <usize>h << 2;
  for (let step = args.steps - 1; step >= 0; step--) {
    const t = timeOf(args, step);
    const rows = rowsAt(args, t, from, to);
    const dNow = slot(args, args.dHidden, t, from, h);
    const dBefore = previousSlot(args, args.dHidden, t, from, h);
    const state = slot(args, args.hidden, t, from, h);
    const deltas = args.gates + tokenAt(args, t, from) * row;
    if (args.variant) throughRelu(dNow, state, deltas, rows * h);
    else throughTanhSpan(dNow, state, deltas, rows * h);
    multiplyRecurrentTransposed(args, deltas, h, h, args.weights, args.packed, dBefore, h, rows, step);
  }
}

/** deltas[count] = d⊙(1 − y²) */
function throughTanhSpan(d: usize, y: usize, deltas: usize, count: i32): void {
  for (; count >= 8; count -= 8, d += 32, y += 32, deltas += 32) {
    const low = throughTanh(v128.load(d), v128.load(y));
    const high = throughTanh(v128.load(d, 16), v128.load(y, 16));
    storePair(deltas, low, high);
  }
  for (; count > 0; count -= 4, d += 16, y += 16, deltas += 16) {
    storeUpTo4(deltas, throughTanh(loadUpTo4(d, count), loadUpTo4(y, count)), count);
  }
}

/** deltas[count] = d where y > 0, else 0 */
function throughRelu(d: usize, y: usize, deltas: usize, count: i32): void {
  const zero = f32x4.splat(0);
  for (; count > 0; count -= 4, d += 16, y += 16, deltas += 16) {
    storeUpTo4(deltas, v128.and(loadUpTo4(d, count), f32x4.gt(loadUpTo4(y, count), zero)), count);
  }
}
