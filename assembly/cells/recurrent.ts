// What the three cells share: the arguments of a layer's pass over a whole sequence, where its time steps lie in
// memory, and the matmul of one step.
//
// Shapes: T steps, B rows, H hidden units, P numbers in a state h (H, but for an LSTM with a projection), G gates
// (1 RNN, 3 GRU, 4 LSTM), N = T·B tokens.
//   hidden, dHidden   [T+1, B, P]   histories; slot 0 (in reverse: slot T) is the initial state
//   cell, dCell       [T+1, B, H]   likewise
//   gates             [N, G·H]      in: W_ih x + b; out: activated gates; after backward: dL/d(before σ, tanh)
//   extra             [N, H]        GRU and projection, see gru.ts and lstm.ts
//   weights           [G·H, P]      W_hh as the module keeps it, read directly where B is 1
//   packed            W_hhᵀ (forward) or W_hh (backward) in panels, where B is more than 1
//
// Rows of several lengths come sorted, the longest first, with `offsets` [T+1]: step t then is that of the rows 0 to
// offsets[t+1] − offsets[t], whose tokens are the rows offsets[t] … of gates and extra: N counts real tokens alone,
// and nothing is computed on padding. The histories keep a slot for every step and row. Row b, of length n, has its
// states in the slots 0 to n; what lies in the slots after is neither read nor written. So its last state, in
// reverse the initial one, is in slot n.

import { gemvColumns, gemvRows } from "../matmul/gemv";
import { packColumns } from "../matmul/pack";
import { multiplyPanels, PANEL_SCRATCH } from "../matmul/panels";
import { partStart } from "../simd";
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
  /** PANEL_SCRATCH bytes, and B·H floats behind them (backward), for each thread. */
  scratch: usize;
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
 * target[rows, outputs] += source[rows, depth] · W[outputs, depth]ᵀ, W a block of rows of W_hh, or W_hr; packed where
 * B > 1. targetStride in floats; source rows are `depth` apart.
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
): void {
  // A batch of one has parts without rows too, and the matrix-vector product knows no rows.
  if (rows == 0) return;
  // The build that only runs models reads one text at a time.
  if (isDefined(INFER) || args.batch == 1) {
    gemvRows(weights, <usize>depth << 2, source, depth, target, outputs);
    return;
  }
  const panels = (outputs + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const stride = <usize>depth << 2;
  multiplyPanels(
    source, stride, false, rows, depth, packed, outputs, 0, panels, target, <usize>targetStride << 2, args.scratch,
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
): void {
  if (rows == 0) return;
  const stride = <usize>columns << 2;
  if (args.batch == 1) {
    gemvColumns(weights, stride, deltas, outputs, target, columns);
    return;
  }
  const panels = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  multiplyPanels(
    deltas, <usize>deltaStride << 2, false, rows, outputs, packed, columns, 0, panels, target, stride, args.scratch,
  );
}

/** Packs a weight for the two functions above: W[outputs, inputs]ᵀ (transposed) or W itself. */
export function packRecurrent(
  target: usize,
  weights: usize,
  outputs: i32,
  inputs: i32,
  transposed: i32,
  part: i32,
  parts: i32,
): void {
  const columns = transposed ? outputs : inputs;
  const depth = transposed ? inputs : outputs;
  const panels = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  packColumns(
    target,
    weights,
    <usize>inputs << 2,
    transposed != 0,
    depth,
    columns,
    partStart(panels, 1, part, parts),
    partStart(panels, 1, part + 1, parts),
  );
}
