// What the three cells share: the arguments of a layer's pass over a whole sequence, where its time steps lie in
// memory, and the matmul of one step.
//
// Shapes: T steps, B rows, H hidden units, P numbers in a state h (H, but for an LSTM with a projection), G gates
// (1 RNN, 3 GRU, 4 LSTM), N = T·B tokens.
//   hidden, dHidden   [T+1, B, P]   histories; slot 0 (in reverse: slot T) is the initial state
//   cell, dCell       [T+1, B, H]   likewise
//   gates             [N, G·H]      in: W_ih x + b; out: activated gates; after backward: dL/d(before σ, tanh)
//   extra             [N, H]        GRU and projection, see gru.ts and lstm.ts
//   weights           [G·H, P]      W_hh as the module keeps it
//   packed            W_hhᵀ (forward) or W_hh (backward) in panels (pack.ts); 0 where B is 1 and `weights` are to be read
//
// Rows of several lengths come sorted, the longest first, with `offsets` [T+1]: step t then is that of the rows 0 to
// offsets[t+1] − offsets[t], whose tokens are the rows offsets[t] … of gates and extra: N counts real tokens alone,
// and nothing is computed on padding. The histories keep a slot for every step and row. Row b, of length n, has its
// states in the slots 0 to n; what lies in the slots after is neither read nor written. So its last state, in
// reverse the initial one, is in slot n.

import { gemv, GemvArgs, gemvColumns, gemvPanels, gemvRows } from "../matmul/gemv";
import { multiplyPanels } from "../matmul/panels";
import { nmadd } from "../simd";
import { TILE_COLUMNS, TILE_ROWS } from "../matmul/tile";

/** Parts of a recurrence begin at multiples of it: a tile's rows, of which none is computed in vain between parts. */
export const ROW_GRAIN: i32 = TILE_ROWS;

@unmanaged
export class RecurrentArgs {
  steps: i32;
  batch: i32;
  hiddenSize: i32;
  /** P */
  stateSize: i32;
  reverse: i32;
  /** RNN: 0 tanh, 1 relu. GRU: 0 reset gate after the recurrent matmul, 1 before it. LSTM: 0. */
  variant: i32;
  hidden: usize;
  cell: usize;
  gates: usize;
  extra: usize;
  weights: usize;
  packed: usize;
  /** LSTM: W_hr [P, H], or 0. */
  projection: usize;
  /** The second set of panels. GRU: the candidate's part of W_hh. LSTM: W_hrᵀ (forward) or W_hr (backward). */
  packedSecond: usize;
  /** [T+1] i32, or 0 where all rows have T steps. */
  offsets: usize;
  /** GRU: [H], b_hn, or 0. */
  candidateBias: usize;
  dHidden: usize;
  dCell: usize;
  /** PANEL_SCRATCH bytes and, backward, (B + 1)·H floats behind them, for each thread. */
  scratch: usize;
  /** As in gemm.ts. */
  tall: i32;
  /** Forward, for a token read alone: what makes its `gates`, W_ih x + b, before the step; 0 where they hold it. */
  input: usize;
}

/** Fills the gates of a token read alone: one kernel call is all of its layer. */
// @ts-ignore: decorator
@inline
export function multiplyInput(args: RecurrentArgs): void {
  if (args.input) gemv(changetype<GemvArgs>(args.input), 0, 1);
}

/** The time index of the step-th step: t counts down in a reversed layer. */
// @ts-ignore: decorator
@inline
export function timeOf(args: RecurrentArgs, step: i32): i32 {
  return args.reverse ? args.steps - 1 - step : step;
}

/** How many of the rows `from` to `to` step t has. */
// @ts-ignore: decorator
@inline
export function rowsAt(args: RecurrentArgs, t: i32, from: i32, to: i32): i32 {
  if (!args.offsets) return to - from;
  const at = args.offsets + (<usize>t << 2);
  return max(0, min(to, load<i32>(at, 4) - load<i32>(at)) - from);
}

/** Which row of gates and extra is that of row `row` at step t. */
// @ts-ignore: decorator
@inline
export function tokenAt(args: RecurrentArgs, t: i32, row: i32): usize {
  const first = args.offsets ? load<i32>(args.offsets + (<usize>t << 2)) : t * args.batch;
  return <usize>(first + row);
}

/** Where step t writes its state: row `row` of its slot in a history of `size` floats a row. */
// @ts-ignore: decorator
@inline
export function slot(args: RecurrentArgs, history: usize, t: i32, row: i32, size: i32): usize {
  const index = args.reverse ? t : t + 1;
  return history + ((<usize>(index * args.batch + row) * size) << 2);
}

/** Where the state that step t starts from lies. */
// @ts-ignore: decorator
@inline
export function previousSlot(args: RecurrentArgs, history: usize, t: i32, row: i32, size: i32): usize {
  const index = args.reverse ? t + 1 : t;
  return history + ((<usize>(index * args.batch + row) * size) << 2);
}

/**
 * target[rows, outputs] += source[rows, depth] · W[outputs, depth]ᵀ, W a block of rows of W_hh, or W_hr.
 * A vector turns at every `step` (see gemvPanels). targetStride in floats; source rows are `depth` apart.
 */
export function multiplyRecurrent(
  args: RecurrentArgs,
  source: usize,
  depth: i32,
  outputs: i32,
  weights: usize,
  packed: usize,
  target: usize,
  targetStride: i32,
  rows: i32,
  step: i32,
): void {
  // A batch of one has parts without rows too, and the matrix-vector product knows no rows.
  if (rows == 0) return;
  // The build that only runs models reads one text at a time.
  if (isDefined(INFER) || !packed) {
    gemvRows(weights, <usize>depth << 2, source, depth, target, outputs);
    return;
  }
  const panels = (outputs + TILE_COLUMNS - 1) / TILE_COLUMNS;
  if (args.batch == 1) {
    gemvPanels(packed, depth, outputs, source, target, 0, panels, (step & 1) != 0);
    return;
  }
  const stride = <usize>depth << 2;
  multiplyPanels(
    source, stride, false, rows, depth, packed, outputs, 0, panels, target, <usize>targetStride << 2, args.scratch,
    args.tall != 0,
  );
}

/**
 * target[rows, columns] += deltas[rows, outputs] · W[outputs, columns], deltas' rows `deltaStride` floats apart, those
 * of the target `columns`.
 */
export function multiplyRecurrentTransposed(
  args: RecurrentArgs,
  deltas: usize,
  deltaStride: i32,
  outputs: i32,
  weights: usize,
  packed: usize,
  target: usize,
  columns: i32,
  rows: i32,
  step: i32,
): void {
  if (rows == 0) return;
  const stride = <usize>columns << 2;
  if (!packed) {
    gemvColumns(weights, stride, deltas, outputs, target, columns);
    return;
  }
  const panels = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  if (args.batch == 1) {
    gemvPanels(packed, outputs, columns, deltas, target, 0, panels, (step & 1) != 0);
    return;
  }
  multiplyPanels(
    deltas, <usize>deltaStride << 2, false, rows, outputs, packed, columns, 0, panels, target, stride, args.scratch,
    args.tall != 0,
  );
}

/** A gate's gradient before its σ, from the gradient d after it and the activated gate: d⊙y(1 − y). */
// @ts-ignore: decorator
@inline
export function throughSigmoid(d: v128, y: v128): v128 {
  return f32x4.mul(d, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
}

/** Likewise before its tanh: d⊙(1 − y²). */
// @ts-ignore: decorator
@inline
export function throughTanh(d: v128, y: v128): v128 {
  return f32x4.mul(d, nmadd(y, y, f32x4.splat(1)));
}
