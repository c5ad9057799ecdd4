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

import { fill, loadUpTo4, madd, partStart, storePair, storeUpTo4 } from "../simd";
import { PANEL_SCRATCH } from "../matmul/panels";
import { multiplyAddSpan, multiplySpan, sigmoidSpan, tanhSpan } from "../spans";
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

export function gruForward(args: RecurrentArgs, part: i32, parts: i32): void {
  multiplyInput(args);
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
    multiplyRecurrent(args, before, h, 2 * h, args.weights, args.packed, gates, 3 * h, rows, step);
    if (resetBefore) {
      for (let b = 0; b < rows; b++) {
        const offset = <usize>b * row;
        resetRow(gates + offset * 3, before + offset, extra + offset, h);
      }
      multiplyRecurrent(
        args, extra, h, h, candidateWeights, args.packedSecond, gates + 2 * row, 3 * h, rows, step,
      );
    } else {
      for (let b = 0; b < rows; b++) {
        const at = extra + <usize>b * row;
        if (args.candidateBias) memory.copy(at, args.candidateBias, row);
        else fill(at, 0, h);
      }
      multiplyRecurrent(args, before, h, h, candidateWeights, args.packedSecond, extra, h, rows, step);
    }
    for (let b = 0; b < rows; b++) {
      const offset = <usize>b * row;
      gruRowForward(gates + offset * 3, extra + offset, before + offset, now + offset, h, resetBefore);
    }
  }
}

/** m = σ(r)⊙h_{t−1}; r is activated in place. */
function resetRow(gates: usize, before: usize, product: usize, h: i32): void {
  sigmoidSpan(gates, gates, h);
  multiplySpan(gates, before, product, h);
}

function gruRowForward(gates: usize, extra: usize, before: usize, hidden: usize, h: i32, resetBefore: bool): void {
  const row = <usize>h << 2;
  const gz = gates + row;
  const gn = gz + row;
  if (resetBefore) {
    sigmoidSpan(gz, gz, h);
  } else {
    sigmoidSpan(gates, gates, 2 * h);
    multiplyAddSpan(gates, extra, gn, h);
  }
  tanhSpan(gn, gn, h);
  mixRow(gz, gn, before, hidden, h);
}

/** h_t = z⊙(h_{t−1} − n) + n */
function mixRow(z: usize, n: usize, before: usize, hidden: usize, h: i32): void {
  for (; h >= 8; h -= 8, z += 32, n += 32, before += 32, hidden += 32) {
    const n1 = v128.load(n), n2 = v128.load(n, 16);
    const low = madd(v128.load(z), f32x4.sub(v128.load(before), n1), n1);
    const high = madd(v128.load(z, 16), f32x4.sub(v128.load(before, 16), n2), n2);
    storePair(hidden, low, high);
  }
  for (; h > 0; h -= 4, z += 16, n += 16, before += 16, hidden += 16) {
    const n1 = loadUpTo4(n, h);
    storeUpTo4(hidden, madd(loadUpTo4(z, h), f32x4.sub(loadUpTo4(before, h), n1), n1), h);
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
        args, gates + 2 * row, 3 * h, h, candidateWeights, args.packedSecond, products, h, rows, step,
      );
      for (let b = 0; b < rows; b++) {
        const offset = <usize>b * row;
        resetRowBackward(gates + offset * 3, products + offset, before + offset, dBefore + offset, h);
      }
    } else {
      multiplyRecurrentTransposed(args, extra, h, h, candidateWeights, args.packedSecond, dBefore, h, rows, step);
    }
    multiplyRecurrentTransposed(args, gates, 3 * h, 2 * h, args.weights, args.packed, dBefore, h, rows, step);
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
  let j = 0;
  for (; j + 8 <= h; j += 8) {
    const at = <usize>j << 2;
    const gz = gates + row + at, gn = gz + row;
    const z = v128.load(gz), z2 = v128.load(gz, 16);
    const n = v128.load(gn), n2 = v128.load(gn, 16);
    const dh = v128.load(dHidden + at), dh2 = v128.load(dHidden + at, 16);
    const old = v128.load(before + at), old2 = v128.load(before + at, 16);
    const kept = madd(dh, z, v128.load(dBefore + at));
    const kept2 = madd(dh2, z2, v128.load(dBefore + at, 16));
    storePair(gz, updateGradient(dh, old, n, z), updateGradient(dh2, old2, n2, z2));
    storePair(gn, candidateGradient(dh, n, z), candidateGradient(dh2, n2, z2));
    storePair(dBefore + at, kept, kept2);
  }
  for (; j < h; j += 4) {
    const left = h - j;
    const at = <usize>j << 2;
    const gz = gates + row + at, gn = gz + row;
    const z = loadUpTo4(gz, left), n = loadUpTo4(gn, left), dh = loadUpTo4(dHidden + at, left);
    storeUpTo4(gz, updateGradient(dh, loadUpTo4(before + at, left), n, z), left);
    storeUpTo4(gn, candidateGradient(dh, n, z), left);
    storeUpTo4(dBefore + at, madd(dh, z, loadUpTo4(dBefore + at, left)), left);
  }
  if (!resetBefore) resetAfterRowBackward(gates, gates + 2 * row, extra, h);
}

/** dz before σ */
// @ts-ignore: decorator
@inline
function updateGradient(dh: v128, before: v128, n: v128, z: v128): v128 {
  return throughSigmoid(f32x4.mul(dh, f32x4.sub(before, n)), z);
}

/** dn before tanh */
// @ts-ignore: decorator
@inline
function candidateGradient(dh: v128, n: v128, z: v128): v128 {
  return throughTanh(f32x4.mul(dh, f32x4.sub(f32x4.splat(1), z)), n);
}

/** r[H] turns into dr before σ, s[H] into ds, from dn[H] before tanh. */
function resetAfterRowBackward(r: usize, dn: usize, s: usize, h: i32): void {
  for (; h >= 8; h -= 8, r += 32, dn += 32, s += 32) {
    const r1 = v128.load(r), r2 = v128.load(r, 16);
    const d1 = v128.load(dn), d2 = v128.load(dn, 16);
    const s1 = v128.load(s), s2 = v128.load(s, 16);
    storePair(r, throughSigmoid(f32x4.mul(d1, s1), r1), throughSigmoid(f32x4.mul(d2, s2), r2));
    storePair(s, f32x4.mul(d1, r1), f32x4.mul(d2, r2));
  }
  for (; h > 0; h -= 4, r += 16, dn += 16, s += 16) {
    const r1 = loadUpTo4(r, h), d1 = loadUpTo4(dn, h);
    storeUpTo4(r, throughSigmoid(f32x4.mul(d1, loadUpTo4(s, h)), r1), h);
    storeUpTo4(s, f32x4.mul(d1, r1), h);
  }
}

/** r[H] turns into dr before σ, from dm[H]; dBefore[H] += dm⊙r. */
function resetRowBackward(r: usize, dProduct: usize, before: usize, dBefore: usize, h: i32): void {
  multiplyAddSpan(dProduct, r, dBefore, h);
  for (; h >= 8; h -= 8, r += 32, dProduct += 32, before += 32) {
    const low = throughSigmoid(f32x4.mul(v128.load(dProduct), v128.load(before)), v128.load(r));
    const high = throughSigmoid(f32x4.mul(v128.load(dProduct, 16), v128.load(before, 16)), v128.load(r, 16));
    storePair(r, low, high);
  }
  for (; h > 0; h -= 4, r += 16, dProduct += 16, before += 16) {
    storeUpTo4(r, throughSigmoid(f32x4.mul(loadUpTo4(dProduct, h), loadUpTo4(before, h)), loadUpTo4(r, h)), h);
  }
}
