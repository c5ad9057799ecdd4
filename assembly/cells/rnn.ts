// Elman RNN (Elman 1990), one layer, a whole sequence.
//
//   forward   h_t = f(W_ih x_t + b + W_hh h_{t−1}),  f = tanh or relu
//   backward  da_t = dh_t ⊙ f′(a_t),  dh_{t−1} += W_hhᵀ da_t;  f′ from h_t alone: 1 − h², or h > 0
//
// Arguments and shapes: recurrent.ts. gates [N, H] holds W_ih x + b when rnnForward starts (one gemm over the whole
// sequence), what f was applied to after it, and da after rnnBackward, from which gemm makes dW_ih, dW_hh, dx and db.
// dHidden [T+1, B, H] holds what reaches each state from outside; afterwards it holds the whole dL/dh_t.
// Split by batch rows, each part all T steps of its rows. W_hh comes packed (recurrent.ts).

import { loadUpTo4, partStart, storeUpTo4 } from "../simd";
import { tanh4 } from "../vector-math";
import {
  multiplyRecurrent,
  multiplyRecurrentTransposed,
  previousSlot,
  RecurrentArgs,
  ROW_GRAIN,
  rowsAt,
  slot,
  timeOf,
  tokenAt,
} from "./recurrent";

// @ts-ignore: decorator
@inline
function activate(x: v128, relu: i32): v128 {
  // max(0, x), keeping NaN, which must reach the loss to be noticed.
  return relu ? f32x4.max(x, f32x4.splat(0)) : tanh4(x);
}

export function rnnForward(args: RecurrentArgs, part: i32, parts: i32): void {
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
    multiplyRecurrent(args, before, h, h, args.weights, args.packed, gates, h, rows);
    for (let j = 0; j < rows * h; j += 4) {
      const at = <usize>j << 2;
      const left = rows * h - j;
      storeUpTo4(now + at, activate(loadUpTo4(gates + at, left), args.variant), left);
    }
  }
}

export function rnnBackward(args: RecurrentArgs, part: i32, parts: i32): void {
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const row = <usize>h << 2;
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  for (let step = args.steps - 1; step >= 0; step--) {
    const t = timeOf(args, step);
    const rows = rowsAt(args, t, from, to);
    const dNow = slot(args, args.dHidden, t, from, h);
    const dBefore = previousSlot(args, args.dHidden, t, from, h);
    const state = slot(args, args.hidden, t, from, h);
    const deltas = args.gates + tokenAt(args, t, from) * row;
    for (let j = 0; j < rows * h; j += 4) {
      const at = <usize>j << 2;
      const left = rows * h - j;
      const d = loadUpTo4(dNow + at, left);
      const y = loadUpTo4(state + at, left);
      const delta = args.variant
        ? v128.and(d, f32x4.gt(y, zero))
        : f32x4.mul(d, f32x4.sub(one, f32x4.mul(y, y)));
      storeUpTo4(deltas + at, delta, left);
    }
    multiplyRecurrentTransposed(args, deltas, h, h, args.weights, args.packed, dBefore, h, rows);
  }
}
