// General matrix multiplication.
//
//   C[M, N] = op(A)[M, K] · op(B)[K, N]  (+ bias[N] on every row, or + C where accumulate is set)
//
// All matrices are row-major f32 with a stride of their own; op is the matrix or its transpose. Two phases with a
// barrier between them: packPanels (pack.ts) copies op(B) into panels; gemmMultiply computes C, split over a grid of
// blocks of ROW_BLOCK rows and COLUMN_BLOCK columns, each part packing the rows that it needs. The grid depends on the
// shape alone. gemv.ts is the better way where M is 1.

import { multiplyPanels, PANEL_SCRATCH, ROW_BLOCK } from "./panels";
import { TILE_COLUMNS } from "./tile";

export const COLUMN_BLOCK: i32 = 512;

@unmanaged
export class GemmArgs {
  m: i32;
  n: i32;
  k: i32;
  /** op(A)[M, K]: stored [M, K], or [K, M] if transposed; strides in floats. */
  a: usize;
  aStride: i32;
  aTransposed: i32;
  /** op(B) in panels, as packPanels leaves it. */
  packed: usize;
  c: usize;
  cStride: i32;
  accumulate: i32;
  /** [N], or 0. Only without accumulate. */
  bias: usize;
  /** PANEL_SCRATCH bytes for each part that runs at a time. */
  scratch: usize;
  /** Whether tiles may have six rows: see tile.ts. Bits do not depend on it. */
  tall: i32;
}

/** How many parts gemmMultiply's work has. */
export function gemmParts(m: i32, n: i32): i32 {
  return ((m + ROW_BLOCK - 1) / ROW_BLOCK) * ((n + COLUMN_BLOCK - 1) / COLUMN_BLOCK);
}

/** The part's place in the grid is its number; `parts` must be gemmParts(m, n). */
export function gemmMultiply(args: GemmArgs, part: i32, parts: i32): void {
  const rowBlocks = (args.m + ROW_BLOCK - 1) / ROW_BLOCK;
  const row = (part % rowBlocks) * ROW_BLOCK;
  const column = (part / rowBlocks) * COLUMN_BLOCK;
  const rows = min(ROW_BLOCK, args.m - row);
  const columns = min(COLUMN_BLOCK, args.n - column);

  const cStride = <usize>args.cStride << 2;
  const c = args.c + <usize>row * cStride;
  if (args.bias) {
    const at = c + (<usize>column << 2);
    for (let i = 0; i < rows; i++) {
      memory.copy(at + <usize>i * cStride, args.bias + (<usize>column << 2), <usize>columns << 2);
    }
  }

  const aStride = <usize>args.aStride << 2;
  const a = args.aTransposed ? args.a + (<usize>row << 2) : args.a + <usize>row * aStride;
  multiplyPanels(
    a,
    aStride,
    args.aTransposed != 0,
    rows,
    args.k,
    args.packed,
    args.n,
    column / TILE_COLUMNS,
    (column + columns + TILE_COLUMNS - 1) / TILE_COLUMNS,
    c,
    cStride,
    args.scratch,
    args.tall != 0,
    !args.accumulate && !args.bias,
  );
}

/** Bytes of scratch that each part running at a time needs. */
export function gemmScratchBytes(): i32 {
  return PANEL_SCRATCH;
}
