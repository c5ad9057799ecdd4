// Long short-term memory (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000), one layer, a whole sequence.
//
//   forward   i, f, o = σ(·), g = tanh(·) of W_ih x_t + b + W_hh h_{t−1}   (gate order i, f, g, o as in PyTorch)
//             c_t = f⊙c_{t−1} + i⊙g,   h_t = o⊙tanh(c_t)
//   backward  dc_t += dh_t⊙o⊙(1 − tanh²c_t);  do = dh_t⊙tanh(c_t);  di = dc_t⊙g;  dg = dc_t⊙i;  df = dc_t⊙c_{t−1}
//             dc_{t−1} += dc_t⊙f;  dh_{t−1} += W_hhᵀ [di df dg do before their activations]
//
// With a projection (Sak et al. 2014) h_t = W_hr m_t, m_t = o⊙tanh(c_t), and W_hr's transpose brings dh_t to dm_t,
// which stands for dh_t above. extra [N, H] then holds m.
//
// Arguments and shapes: recurrent.ts. gates [N, 4H] holds W_ih x + b when lstmForward starts (one gemm over the
// whole sequence), the activated gates after it, and their pre-activation gradients after lstmBackward, from which
// gemm makes dW_ih, dW_hh, dx and db. Split by batch rows, each part all T steps of its rows.

import { fill, loadUpTo4, madd, nmadd, partStart, storeUpTo4 } from "../simd";
import { PANEL_SCRATCH } from "../matmul/panels";
import { sigmoid4, tanh4 } from "../vector-math";
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

export function lstmForward(args: RecurrentArgs, part: i32, parts: i32): void {
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const p = args.stateSize;
  const row = <usize>h << 2;
  for (let step = 0; step < args.steps; step++) {
    const t = timeOf(args, step);
    const rows = rowsAt(args, t, from, to);
    const gates = args.gates + tokenAt(args, t, from) * row * 4;
    const before = previousSlot(args, args.hidden, t, from, p);
    multiplyRecurrent(args, before, p, 4 * h, args.weights, args.packed, gates, 4 * h, rows);
    const now = slot(args, args.hidden, t, from, p);
    const product = args.projection ? args.extra + tokenAt(args, t, from) * row : now;
    const cellBefore = previousSlot(args, args.cell, t, from, h);
    const cellNow = slot(args, args.cell, t, from, h);
    for (let b = 0; b < rows; b++) {
      const offset = <usize>b * row;
      lstmRowForward(gates + offset * 4, cellBefore + offset, cellNow + offset, product + offset, h);
    }
    if (args.projection) {
      fill(now, 0, rows * p);
      multiplyRecurrent(args, product, h, p, args.projection, args.packedSecond, now, p, rows);
    }
  }
}

/** One row of one step: gates [4H] are activated in place; hidden receives o⊙tanh(c). */
function lstmRowForward(gates: usize, cellBefore: usize, cell: usize, hidden: usize, h: i32): void {
  const row = <usize>h << 2;
  for (let j = 0; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const gi = gates + at;
    const gf = gi + row;
    const gg = gf + row;
    const go = gg + row;
    const i = sigmoid4(loadUpTo4(gi, left));
    const f = sigmoid4(loadUpTo4(gf, left));
    const g = tanh4(loadUpTo4(gg, left));
    const o = sigmoid4(loadUpTo4(go, left));
    const c = madd(f, loadUpTo4(cellBefore + at, left), f32x4.mul(i, g));
    storeUpTo4(gi, i, left);
    storeUpTo4(gf, f, left);
    storeUpTo4(gg, g, left);
    storeUpTo4(go, o, left);
    storeUpTo4(cell + at, c, left);
    storeUpTo4(hidden + at, f32x4.mul(o, tanh4(c)), left);
  }
}

export function lstmBackward(args: RecurrentArgs, part: i32, parts: i32): void {
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const p = args.stateSize;
  const row = <usize>h << 2;
  const products = args.scratch + PANEL_SCRATCH;
  for (let step = args.steps - 1; step >= 0; step--) {
    const t = timeOf(args, step);
    const rows = rowsAt(args, t, from, to);
    const gates = args.gates + tokenAt(args, t, from) * row * 4;
    const cellBefore = previousSlot(args, args.cell, t, from, h);
    const cellNow = slot(args, args.cell, t, from, h);
    const dHidden = slot(args, args.dHidden, t, from, p);
    const dHiddenBefore = previousSlot(args, args.dHidden, t, from, p);
    const dCell = slot(args, args.dCell, t, from, h);
    const dCellBefore = previousSlot(args, args.dCell, t, from, h);
    if (args.projection) {
      fill(products, 0, rows * h);
      multiplyRecurrentTransposed(args, dHidden, p, p, args.projection, args.packedSecond, products, h, rows);
    }
    const dProduct = args.projection ? products : dHidden;
    for (let b = 0; b < rows; b++) {
      const offset = <usize>b * row;
      lstmRowBackward(
        gates + offset * 4, cellBefore + offset, cellNow + offset, dProduct + offset, dCell + offset,
        dCellBefore + offset, h,
      );
    }
    multiplyRecurrentTransposed(args, gates, 4 * h, 4 * h, args.weights, args.packed, dHiddenBefore, p, rows);
  }
}

/** One row of one step: gates [4H] turn from activations into pre-activation gradients. */
function lstmRowBackward(
  gates: usize,
  cellBefore: usize,
  cell: usize,
  dHidden: usize,
  dCell: usize,
  dCellBefore: usize,
  h: i32,
): void {
  const row = <usize>h << 2;
  const one = f32x4.splat(1);
  for (let j = 0; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const gi = gates + at;
    const gf = gi + row;
    const gg = gf + row;
    const go = gg + row;
    const i = loadUpTo4(gi, left);
    const f = loadUpTo4(gf, left);
    const g = loadUpTo4(gg, left);
    const o = loadUpTo4(go, left);
    const dh = loadUpTo4(dHidden + at, left);
    const squashed = tanh4(loadUpTo4(cell + at, left));
    const slope = nmadd(squashed, squashed, one);
    const dc = madd(f32x4.mul(dh, o), slope, loadUpTo4(dCell + at, left));
    storeUpTo4(dCell + at, dc, left);
    storeUpTo4(dCellBefore + at, madd(dc, f, loadUpTo4(dCellBefore + at, left)), left);
    const di = f32x4.mul(f32x4.mul(dc, g), f32x4.mul(i, f32x4.sub(one, i)));
    const df = f32x4.mul(
      f32x4.mul(dc, loadUpTo4(cellBefore + at, left)),
      f32x4.mul(f, f32x4.sub(one, f)),
    );
    const dg = f32x4.mul(f32x4.mul(dc, i), nmadd(g, g, one));
    const d0 = f32x4.mul(f32x4.mul(dh, squashed), f32x4.mul(o, f32x4.sub(one, o)));
    storeUpTo4(gi, di, left);
    storeUpTo4(gf, df, left);
    storeUpTo4(gg, dg, left);
    storeUpTo4(go, d0, left);
  }
}
