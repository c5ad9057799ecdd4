// What the three cells share: the arguments of a layer's pass over a whole sequence, where its time steps lie in
// memory, and the matmul of one step.
//
// Shapes: T steps, B rows, H hidden units, G gates (1 RNN, 3 GRU, 4 LSTM).
//   hidden, dHidden, cell, dCell   [T+1, B, H]   histories; slot 0 (in reverse: slot T) is the initial state
//   gates                          [T, B, G·H]   in: W_ih x + b; out: activated gates; after backward: dL/d(before σ, tanh)
//   extra                          [T, B, H]     GRU only, see gru.ts
//   weights                        [G·H, H]      W_hh as the module keeps it, read directly where B is 1
//   packed                         W_hhᵀ (forward) or W_hh (backward) in panels, where B is more than 1
//   lengths                        [B] i32, or 0: step t of row b is real where t < lengths[b]

import { gemvColumns, gemvRows } from "../matmul/gemv";
import { packColumns } from "../matmul/pack";
import { multiplyPanels, PANEL_SCRATCH } from "../matmul/panels";
import { partStart } from "../simd";
import { TILE_COLUMNS } from "../matmul/tile";

/** Rows that one part of a recurrence takes at least, so that its panels are used by several tiles. */
export const ROW_GRAIN: i32 = 16;

@unmanaged
export class RecurrentArgs {
  steps: i32;
  batch: i32;
  hiddenSize: i32;
  reverse: i32;
  /** RNN: 0 tanh, 1 relu. GRU: 0 reset gate after the recurrent matmul, 1 before it. LSTM: 0. */
  variant: i32;
  hidden: usize;
  cell: usize;
  gates: usize;
  extra: usize;
  weights: usize;
  packed: usize;
  /** The second set of panels of the GRU: the candidate's part of W_hh. */
  packedCandidate: usize;
  lengths: usize;
  /** GRU: [H], b_hn, or 0. */
  candidateBias: usize;
  dHidden: usize;
  dCell: usize;
  /** PANEL_SCRATCH bytes, and B·H floats behind them (GRU backward), for each part that runs at a time. */
  scratch: usize;
}

/** The time index of the step-th step: t counts down in a reversed layer. */
// @ts-ignore: decorator
@inline
export function timeOf(args: RecurrentArgs, step: i32): i32 {
  return args.reverse ? args.steps - 1 - step : step;
}

/** Where step t writes its state: row `row` of its slot in a history. */
// @ts-ignore: decorator
@inline
export function slot(args: RecurrentArgs, history: usize, t: i32, row: i32): usize {
  const index = args.reverse ? t : t + 1;
  return history + ((<usize>(index * args.batch + row) * args.hiddenSize) << 2);
}

/** Where the state that step t starts from lies. */
// @ts-ignore: decorator
@inline
export function previousSlot(args: RecurrentArgs, history: usize, t: i32, row: i32): usize {
  const index = args.reverse ? t + 1 : t;
  return history + ((<usize>(index * args.batch + row) * args.hiddenSize) << 2);
}

/** Whether row b is past its end at step t, so that its state is carried on. */
// @ts-ignore: decorator
@inline
export function carries(args: RecurrentArgs, t: i32, b: i32): bool {
  return args.lengths != 0 && t >= load<i32>(args.lengths + (<usize>b << 2));
}

/**
 * target[rows, outputs] += source[rows, H] · W[outputs, H]ᵀ, W a block of rows of W_hh, packed where B > 1.
 * targetStride in floats; source rows are H apart.
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
  if (args.batch == 1) {
    gemvRows(weights, <usize>depth << 2, source, depth, target, outputs);
    return;
  }
  const panels = (outputs + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const stride = <usize>depth << 2;
  multiplyPanels(
    source, stride, false, rows, depth, packed, outputs, 0, panels, target, <usize>targetStride << 2, args.scratch,
  );
}

/** target[rows, H] += deltas[rows, outputs] · W[outputs, H], deltas' rows `deltaStride` floats apart. */
export function multiplyRecurrentTransposed(
  args: RecurrentArgs,
  deltas: usize,
  deltaStride: i32,
  outputs: i32,
  weights: usize,
  packed: usize,
  target: usize,
  rows: i32,
): void {
  if (rows == 0) return;
  const h = args.hiddenSize;
  const stride = <usize>h << 2;
  if (args.batch == 1) {
    gemvColumns(weights, stride, deltas, outputs, target, h);
    return;
  }
  const panels = (h + TILE_COLUMNS - 1) / TILE_COLUMNS;
  multiplyPanels(
    deltas, <usize>deltaStride << 2, false, rows, outputs, packed, h, 0, panels, target, stride, args.scratch,
  );
}

/** Packs a weight for the two functions above: W[outputs, H]ᵀ (transposed) or W itself. */
export function packRecurrent(
  target: usize,
  weights: usize,
  outputs: i32,
  hiddenSize: i32,
  transposed: i32,
  part: i32,
  parts: i32,
): void {
  const columns = transposed ? outputs : hiddenSize;
  const depth = transposed ? hiddenSize : outputs;
  const panels = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  packColumns(
    target,
    weights,
    <usize>hiddenSize << 2,
    transposed != 0,
    depth,
    columns,
    partStart(panels, 1, part, parts),
    partStart(panels, 1, part + 1, parts),
  );
}
