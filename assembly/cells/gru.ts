// Gated recurrent unit (Cho et al. 2014), one layer, a whole sequence, in both forms.
//
//   r, z = σ(W_ih x_t + b + W_hh h_{t−1})                 (gate order r, z, n as in PyTorch)
//   reset after  (variant 0; PyTorch, cuDNN):  n = tanh(W_in x_t + b_in + r⊙(W_hn h_{t−1} + b_hn))
//   reset before (variant 1; Cho et al.):      n = tanh(W_in x_t + b_in + b_hn + W_hn (r⊙h_{t−1}))
//   h_t = (1 − z)⊙n + z⊙h_{t−1}:  z keeps the old state (Cho et al. as printed in most posts: z takes the new one)
//
//   backward  dz = dh⊙(h_{t−1} − n);  dn = dh⊙(1 − z);  dh_{t−1} += dh⊙z + W_hhᵀ[dr dz]
//     after:  dr = dn′⊙s,  ds = dn′⊙r,  dh_{t−1} += W_hnᵀ ds          with s = W_hn h_{t−1} + b_hn, dn′ = dn⊙(1 − n²)
//     before: dm = W_hnᵀ dn′,  dr = dm⊙h_{t−1},  dh_{t−1} += dm⊙r     with m = r⊙h_{t−1}
//
// Arguments and shapes: recurrent.ts. gates [N, 3H] as in lstm.ts. extra [N, H] holds s (after) or m (before)
// after gruForward; gruBackward turns s into ds and leaves m. The two blocks of W_hh are packed apart: rows of r and z
// in `packed`, those of n in `packedSecond`. Split by batch rows, each part all T steps of its rows.

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

export function gruForward(args: RecurrentArgs, part: i32, parts: i32): void {
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const row = <usize>h << 2;
  const candidateWeights = args.weights + row * 2 * h;
  const resetBefore = args.variant != 0;
  for (let step = 0; step < args.steps; step++) {
    const t = timeOf(args, step);
    const rows = rowsAt(args, t, from, to);
    const gates = args.gates + tokenAt(args, t, from) * row * 3;
    const extra = args.extra + tokenAt(args, t, from) * row;
    const before = previousSlot(args, args.hidden, t, from, h);
    const now = slot(args, args.hidden, t, from, h);
    multiplyRecurrent(args, before, h, 2 * h, args.weights, args.packed, gates, 3 * h, rows);
    if (resetBefore) {
      for (let b = 0; b < rows; b++) {
        const offset = <usize>b * row;
        resetRow(gates + offset * 3, before + offset, extra + offset, h);
      }
      multiplyRecurrent(
        args, extra, h, h, candidateWeights, args.packedSecond, gates + 2 * row, 3 * h, rows,
      );
    } else {
      for (let b = 0; b < rows; b++) {
        const at = extra + <usize>b * row;
        if (args.candidateBias) memory.copy(at, args.candidateBias, row);
        else fill(at, 0, h);
      }
      multiplyRecurrent(args, before, h, h, candidateWeights, args.packedSecond, extra, h, rows);
    }
    for (let b = 0; b < rows; b++) {
      const offset = <usize>b * row;
      gruRowForward(gates + offset * 3, extra + offset, before + offset, now + offset, h, resetBefore);
    }
  }
}

/** m = σ(r)⊙h_{t−1}; r is activated in place. */
function resetRow(gates: usize, before: usize, product: usize, h: i32): void {
  for (let j = 0; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const r = sigmoid4(loadUpTo4(gates + at, left));
    storeUpTo4(gates + at, r, left);
    storeUpTo4(product + at, f32x4.mul(r, loadUpTo4(before + at, left)), left);
  }
}

function gruRowForward(gates: usize, extra: usize, before: usize, hidden: usize, h: i32, resetBefore: bool): void {
  const row = <usize>h << 2;
  for (let j = 0; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const gr = gates + at;
    const gz = gr + row;
    const gn = gz + row;
    const z = sigmoid4(loadUpTo4(gz, left));
    let n = loadUpTo4(gn, left);
    if (!resetBefore) {
      const r = sigmoid4(loadUpTo4(gr, left));
      storeUpTo4(gr, r, left);
      n = madd(r, loadUpTo4(extra + at, left), n);
    }
    n = tanh4(n);
    storeUpTo4(gz, z, left);
    storeUpTo4(gn, n, left);
    const old = loadUpTo4(before + at, left);
    storeUpTo4(hidden + at, madd(z, f32x4.sub(old, n), n), left);
  }
}

export function gruBackward(args: RecurrentArgs, part: i32, parts: i32): void {
  const from = partStart(args.batch, ROW_GRAIN, part, parts);
  const to = partStart(args.batch, ROW_GRAIN, part + 1, parts);
  const h = args.hiddenSize;
  const row = <usize>h << 2;
  const candidateWeights = args.weights + row * 2 * h;
  const resetBefore = args.variant != 0;
  const products = args.scratch + PANEL_SCRATCH;
  for (let step = args.steps - 1; step >= 0; step--) {
    const t = timeOf(args, step);
    const rows = rowsAt(args, t, from, to);
    const gates = args.gates + tokenAt(args, t, from) * row * 3;
    const extra = args.extra + tokenAt(args, t, from) * row;
    const before = previousSlot(args, args.hidden, t, from, h);
    const dHidden = slot(args, args.dHidden, t, from, h);
    const dBefore = previousSlot(args, args.dHidden, t, from, h);
    for (let b = 0; b < rows; b++) {
      const offset = <usize>b * row;
      gruRowBackward(
        gates + offset * 3, extra + offset, before + offset, dHidden + offset, dBefore + offset, h, resetBefore,
      );
    }
    if (resetBefore) {
      fill(products, 0, rows * h);
      multiplyRecurrentTransposed(
        args, gates + 2 * row, 3 * h, h, candidateWeights, args.packedSecond, products, h, rows,
      );
      for (let b = 0; b < rows; b++) {
        const offset = <usize>b * row;
        resetRowBackward(gates + offset * 3, products + offset, before + offset, dBefore + offset, h);
      }
    } else {
      multiplyRecurrentTransposed(args, extra, h, h, candidateWeights, args.packedSecond, dBefore, h, rows);
    }
    multiplyRecurrentTransposed(args, gates, 3 * h, 2 * h, args.weights, args.packed, dBefore, h, rows);
  }
}

/** Gates turn into pre-activation gradients; where the reset comes before, r stays until resetRowBackward. */
function gruRowBackward(
  gates: usize,
  extra: usize,
  before: usize,
  dHidden: usize,
  dBefore: usize,
  h: i32,
  resetBefore: bool,
): void {
  const row = <usize>h << 2;
  const one = f32x4.splat(1);
  for (let j = 0; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const gr = gates + at;
    const gz = gr + row;
    const gn = gz + row;
    const z = loadUpTo4(gz, left);
    const n = loadUpTo4(gn, left);
    const dh = loadUpTo4(dHidden + at, left);
    const kept = f32x4.sub(one, z);
    const dn = f32x4.mul(f32x4.mul(dh, kept), nmadd(n, n, one));
    const dz = f32x4.mul(f32x4.mul(dh, f32x4.sub(loadUpTo4(before + at, left), n)), f32x4.mul(z, kept));
    storeUpTo4(gz, dz, left);
    storeUpTo4(gn, dn, left);
    storeUpTo4(dBefore + at, madd(dh, z, loadUpTo4(dBefore + at, left)), left);
    if (!resetBefore) {
      const r = loadUpTo4(gr, left);
      const s = loadUpTo4(extra + at, left);
      storeUpTo4(gr, f32x4.mul(f32x4.mul(dn, s), f32x4.mul(r, f32x4.sub(one, r))), left);
      storeUpTo4(extra + at, f32x4.mul(dn, r), left);
    }
  }
}

function resetRowBackward(gates: usize, dProduct: usize, before: usize, dBefore: usize, h: i32): void {
  const one = f32x4.splat(1);
  for (let j = 0; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const r = loadUpTo4(gates + at, left);
    const dm = loadUpTo4(dProduct + at, left);
    const dr = f32x4.mul(f32x4.mul(dm, loadUpTo4(before + at, left)), f32x4.mul(r, f32x4.sub(one, r)));
    storeUpTo4(gates + at, dr, left);
    storeUpTo4(dBefore + at, madd(dm, r, loadUpTo4(dBefore + at, left)), left);
  }
}
