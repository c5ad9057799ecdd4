// Elman RNN (Elman 1990), one layer, a whole sequence.
//
//   forward   h_t = f(W_ih x_t + b + W_hh h_{t−1}),  f = tanh or relu
//   backward  da_t = dh_t ⊙ f′(a_t),  dh_{t−1} += W_hhᵀ da_t;  f′ from h_t alone: 1 − h², or h > 0
//
// hidden [T+1, B, H] is the history of states. Going forward, slot 0 is h0 and step t writes slot t + 1; in reverse,
// slot T is h0 and step t writes slot t. The slots to be written hold W_ih x_t + b when rnnForward starts: one gemm
// over the whole sequence has put it there. Past a row's length its state is carried on unchanged.
// dHidden [T+1, B, H] holds what reaches each state from outside; afterwards it holds the whole dL/dh_t. deltas
// [T, B, H] receives da_t, from which gemm makes dW_ih, dW_hh, dx and db.
// Split by batch rows, each part all T steps of its rows. W_hh comes packed (recurrent.ts).

import { loadUpTo4, partStart, storeUpTo4 } from "../simd";
import { tanh4 } from "../vector-math";
import {
  carries,
  multiplyRecurrent,
  multiplyRecurrentTransposed,
  previousSlot,
  RecurrentArgs,
  ROW_GRAIN,
  slot,
  timeOf,
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
    const now = slot(args, args.hidden, t, from);
    const before = previousSlot(args, args.hidden, t, from);
    multiplyRecurrent(args, before, h, h, args.weights, args.packed, now, h, to - from);
    for (let b = from; b < to; b++) {
      const out = now + <usize>(b - from) * row;
      if (carries(args, t, b)) {
        memory.copy(out, before + <usize>(b - from) * row, row);
        continue;
      }
      for (let j = 0; j < h; j += 4) {
        const at = out + (<usize>j << 2);
        storeUpTo4(at, activate(loadUpTo4(at, h - j), args.variant), h - j);
      }
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
    const dNow = slot(args, args.dHidden, t, from);
    const dBefore = previousSlot(args, args.dHidden, t, from);
    const state = slot(args, args.hidden, t, from);
    const deltas = args.gates + <usize>(t * args.batch + from) * row;
    for (let b = 0; b < to - from; b++) {
      const offset = <usize>b * row;
      const carried = carries(args, t, from + b);
      for (let j = 0; j < h; j += 4) {
        const at = offset + (<usize>j << 2);
        const left = h - j;
        const d = loadUpTo4(dNow + at, left);
        let delta = zero;
        if (carried) {
          const sum = f32x4.add(d, loadUpTo4(dBefore + at, left));
          storeUpTo4(dBefore + at, sum, left);
        } else {
          const y = loadUpTo4(state + at, left);
          delta = args.variant
            ? v128.and(d, f32x4.gt(y, zero))
            : f32x4.mul(d, f32x4.sub(one, f32x4.mul(y, y)));
        }
        storeUpTo4(deltas + at, delta, left);
      }
    }
    multiplyRecurrentTransposed(args, deltas, h, h, args.weights, args.packed, dBefore, to - from);
  }
}
