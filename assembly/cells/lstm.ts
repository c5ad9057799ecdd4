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

import { fill, loadUpTo4, madd, nmadd, partStart, storePair, storeUpTo4 } from "../simd";
import { PANEL_SCRATCH } from "../matmul/panels";
import { multiplySpan, sigmoidSpan, tanhSpan } from "../spans";
import {
  multiplyInput,
  multiplyRecurrent,
  multiplyRecurrentTransposed,
  previousSlot,
  RecurrentArgs,
  ROW_GRAIN,
  rowsAt,
  slot,
  throughSigmoid,
  throughTanh,
  timeOf,
  tokenAt,
} from "./recurrent";

export function lstmForward(args: RecurrentArgs, part: i32, parts: i32): void {
  multiplyInput(args);
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
    multiplyRecurrent(args, before, p, 4 * h, args.weights, args.packed, gates, 4 * h, rows, step);
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
      multiplyRecurrent(args, product, h, p, args.projection, args.packedSecond, now, p, rows, step);
    }
  }
}

/** One row of one step: gates [4H] are activated in place; hidden receives o⊙tanh(c). */
function lstmRowForward(gates: usize, cellBefore: usize, cell: usize, hidden: usize, h: i32): void {
  const row = <usize>h << 2;
  sigmoidSpan(gates, gates, 2 * h);
  tanhSpan(gates + 2 * row, gates + 2 * row, h);
  sigmoidSpan(gates + 3 * row, gates + 3 * row, h);
  lstmRowCell(gates, cellBefore, cell, h);
  tanhSpan(cell, hidden, h);
  multiplySpan(hidden, gates + 3 * row, hidden, h);
}

/** c_t = f⊙c_{t−1} + i⊙g */
function lstmRowCell(gates: usize, cellBefore: usize, cell: usize, h: i32): void {
  const row = <usize>h << 2;
  let i = gates, f = i + row, g = f + row;
  for (; h >= 8; h -= 8, i += 32, f += 32, g += 32, cellBefore += 32, cell += 32) {
    const low = madd(v128.load(f), v128.load(cellBefore), f32x4.mul(v128.load(i), v128.load(g)));
    const high = madd(
      v128.load(f, 16), v128.load(cellBefore, 16), f32x4.mul(v128.load(i, 16), v128.load(g, 16)),
    );
    storePair(cell, low, high);
  }
  for (; h > 0; h -= 4, i += 16, f += 16, g += 16, cellBefore += 16, cell += 16) {
    const added = f32x4.mul(loadUpTo4(i, h), loadUpTo4(g, h));
    storeUpTo4(cell, madd(loadUpTo4(f, h), loadUpTo4(cellBefore, h), added), h);
  }
}

export function lstmBackward(args: RecurrentArgs, part: i32, parts: i32): void {
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const p = args.stateSize;
  const row = <usize>h << 2;
  const squashed = args.scratch + PANEL_SCRATCH;
  const products = squashed + row;
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
      multiplyRecurrentTransposed(
        args, dHidden, p, p, args.projection, args.packedSecond, products, h, rows, step,
      );
    }
    const dProduct = args.projection ? products : dHidden;
    for (let b = 0; b < rows; b++) {
      const offset = <usize>b * row;
      lstmRowBackward(
        gates + offset * 4, cellBefore + offset, cellNow + offset, dProduct + offset, dCell + offset,
        dCellBefore + offset, squashed, h,
      );
    }
    multiplyRecurrentTransposed(args, gates, 4 * h, 4 * h, args.weights, args.packed, dHiddenBefore, p, rows, step);
  }
}

/** One row of one step: gates [4H] turn from activations into pre-activation gradients. `squashed`: [H] of scratch. */
function lstmRowBackward(
  gates: usize,
  cellBefore: usize,
  cell: usize,
  dHidden: usize,
  dCell: usize,
  dCellBefore: usize,
  squashed: usize,
  h: i32,
): void {
  const row = <usize>h << 2;
  tanhSpan(cell, squashed, h);
  let j = 0;
  for (; j + 8 <= h; j += 8) {
    const at = <usize>j << 2;
    const gi = gates + at, gf = gi + row, gg = gf + row, go = gg + row;
    const i = v128.load(gi), f = v128.load(gf), g = v128.load(gg), o = v128.load(go);
    const i2 = v128.load(gi, 16), f2 = v128.load(gf, 16), g2 = v128.load(gg, 16), o2 = v128.load(go, 16);
    const dh = v128.load(dHidden + at), dh2 = v128.load(dHidden + at, 16);
    const y = v128.load(squashed + at), y2 = v128.load(squashed + at, 16);
    const before = v128.load(cellBefore + at), before2 = v128.load(cellBefore + at, 16);
    const dc = cellGradient(dh, o, y, v128.load(dCell + at));
    const dc2 = cellGradient(dh2, o2, y2, v128.load(dCell + at, 16));
    const kept = madd(dc, f, v128.load(dCellBefore + at));
    const kept2 = madd(dc2, f2, v128.load(dCellBefore + at, 16));
    storePair(dCell + at, dc, dc2);
    storePair(dCellBefore + at, kept, kept2);
    storePair(gi, throughSigmoid(f32x4.mul(dc, g), i), throughSigmoid(f32x4.mul(dc2, g2), i2));
    storePair(gf, throughSigmoid(f32x4.mul(dc, before), f), throughSigmoid(f32x4.mul(dc2, before2), f2));
    storePair(gg, throughTanh(f32x4.mul(dc, i), g), throughTanh(f32x4.mul(dc2, i2), g2));
    storePair(go, throughSigmoid(f32x4.mul(dh, y), o), throughSigmoid(f32x4.mul(dh2, y2), o2));
  }
  for (; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const gi = gates + at, gf = gi + row, gg = gf + row, go = gg + row;
    const i = loadUpTo4(gi, left), f = loadUpTo4(gf, left), g = loadUpTo4(gg, left), o = loadUpTo4(go, left);
    const dh = loadUpTo4(dHidden + at, left);
    const y = loadUpTo4(squashed + at, left);
    const dc = cellGradient(dh, o, y, loadUpTo4(dCell + at, left));
    storeUpTo4(dCell + at, dc, left);
    storeUpTo4(dCellBefore + at, madd(dc, f, loadUpTo4(dCellBefore + at, left)), left);
    storeUpTo4(gi, throughSigmoid(f32x4.mul(dc, g), i), left);
    storeUpTo4(gf, throughSigmoid(f32x4.mul(dc, loadUpTo4(cellBefore + at, left)), f), left);
    storeUpTo4(gg, throughTanh(f32x4.mul(dc, i), g), left);
    storeUpTo4(go, throughSigmoid(f32x4.mul(dh, y), o), left);
  }
}

/** dc_t + dh_t⊙o⊙(1 − y²), y = tanh c_t */
// @ts-ignore: decorator
@inline
function cellGradient(dh: v128, o: v128, y: v128, dc: v128): v128 {
  return madd(f32x4.mul(dh, o), nmadd(y, y, f32x4.splat(1)), dc);
}
