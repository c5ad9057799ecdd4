// Packing: both operands of a matmul are copied into the order in which the tile reads them.
//
// "Lanes" are the rows of A (4 to a panel) or the columns of B (8 to a panel); "depth" is the dimension that is
// summed over. A panel is [depth][width]: for each depth index its `width` lanes side by side, zeros where the
// matrix has no more lanes. The source is read through two strides, so that each operand and its transpose are the
// same code:
//   alongLanes  – lanes are contiguous in memory (op(A) = Aᵀ of a row-major A; B as it is): rows are copied
//   alongDepth  – depth is contiguous (A as it is; op(B) = Bᵀ of a row-major B): 4×4 blocks are transposed
//
// Depth is cut in blocks of DEPTH_BLOCK, so that the panels that a tile walks stay in the first-level cache: packed
// B is [blocks][panels][depth of the block][8]. The cut depends on the depth alone.

import { loadTail } from "../simd";
import { TILE_COLUMNS, TILE_ROWS } from "./tile";

export const DEPTH_BLOCK: i32 = 512;

/** One panel of `width` lanes from a source whose lanes are contiguous; `lanes` ≤ width of them exist. */
// @ts-ignore: decorator
@inline
function packAlongLanes(target: usize, source: usize, stride: usize, lanes: i32, depth: i32, width: i32): void {
  const step = <usize>width << 2;
  const end = target + step * depth;
  if (lanes == width) {
    for (; target < end; target += step, source += stride) {
      copyLanes(target, source, width);
    }
    return;
  }
  for (; target < end; target += step, source += stride) {
    for (let lane = 0; lane < width; lane += 4) {
      const left = lanes - lane;
      let v = f32x4.splat(0);
      if (left >= 4) v = v128.load(source + (<usize>lane << 2));
      else if (left > 0) v = loadTail(source + (<usize>lane << 2), left);
      v128.store(target + (<usize>lane << 2), v);
    }
  }
}

/** Four neighbouring full panels, `panel` bytes apart: runs of whole cache lines, each line read once. */
// @ts-ignore: decorator
@inline
function packFourAlongLanes(target: usize, panel: usize, source: usize, stride: usize, depth: i32, width: i32): void {
  const step = <usize>width << 2;
  const end = target + step * depth;
  for (; target < end; target += step, source += stride) {
    copyLanes(target, source, width);
    copyLanes(target + panel, source + step, width);
    copyLanes(target + (panel << 1), source + 2 * step, width);
    copyLanes(target + (panel << 1) + panel, source + 3 * step, width);
  }
}

/** 4 or 8 floats. */
// @ts-ignore: decorator
@inline
function copyLanes(target: usize, source: usize, width: i32): void {
  v128.store(target, v128.load(source));
  if (width == 8) v128.store(target, v128.load(source, 16), 16);
}

/** Four lanes of a panel from a source whose depth is contiguous. Missing lanes (`lanes` < 4) become zeros. */
// @ts-ignore: decorator
@inline
function packAlongDepth(target: usize, source: usize, stride: usize, lanes: i32, depth: i32, width: i32): void {
  const step = <usize>width << 2;
  // A lane that does not exist reads a lane that does, and is then blanked.
  const mask = i32x4.gt_s(i32x4.splat(lanes), i32x4(0, 1, 2, 3));
  const r0 = source;
  const r1 = lanes > 1 ? source + stride : source;
  const r2 = lanes > 2 ? source + 2 * stride : source;
  const r3 = lanes > 3 ? source + 3 * stride : source;
  const fullDepth = <usize>(depth & ~3) << 2;
  let k: usize = 0;
  for (; k < fullDepth; k += 16) {
    const a = v128.load(r0 + k);
    const b = v128.load(r1 + k);
    const c = v128.load(r2 + k);
    const d = v128.load(r3 + k);
    const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
    const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
    const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
    const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
    v128.store(target, v128.and(mask, i64x2.shuffle(ab0, cd0, 0, 2)));
    v128.store(target + step, v128.and(mask, i64x2.shuffle(ab0, cd0, 1, 3)));
    v128.store(target + 2 * step, v128.and(mask, i64x2.shuffle(ab1, cd1, 0, 2)));
    v128.store(target + 3 * step, v128.and(mask, i64x2.shuffle(ab1, cd1, 1, 3)));
    target += 4 * step;
  }
  const end = <usize>depth << 2;
  for (; k < end; k += 4, target += step) {
    let v = v128.load32_splat(r0 + k);
    v = v128.load_lane<f32>(r1 + k, v, 1);
    v = v128.load_lane<f32>(r2 + k, v, 2);
    v = v128.load_lane<f32>(r3 + k, v, 3);
    v128.store(target, v128.and(mask, v));
  }
}

/**
 * Packs `rows` rows (any number) and `depth` columns of op(A) into panels of 4 rows.
 * source: where op(A)[0, 0] lies; stride: bytes from row to row of the stored matrix.
 */
export function packRows(target: usize, source: usize, stride: usize, transposed: bool, rows: i32, depth: i32): void {
  const panel = <usize>(depth * TILE_ROWS) << 2;
  let row = 0;
  if (transposed) {
    for (; row + 4 * TILE_ROWS <= rows; row += 4 * TILE_ROWS, target += panel << 2) {
      packFourAlongLanes(target, panel, source + (<usize>row << 2), stride, depth, TILE_ROWS);
    }
  }
  for (; row < rows; row += TILE_ROWS, target += panel) {
    const lanes = min(TILE_ROWS, rows - row);
    if (transposed) packAlongLanes(target, source + (<usize>row << 2), stride, lanes, depth, TILE_ROWS);
    else packAlongDepth(target, source + <usize>row * stride, stride, lanes, depth, TILE_ROWS);
  }
}

/**
 * Packs the panels `from` to `to` (8 columns each) of op(B)[depth, columns], all blocks of the depth.
 * stride: bytes from row to row of the stored matrix ([depth, columns], or [columns, depth] if transposed).
 */
export function packColumns(
  target: usize,
  source: usize,
  stride: usize,
  transposed: bool,
  depth: i32,
  columns: i32,
  from: i32,
  to: i32,
): void {
  for (let block = 0; block < depth; block += DEPTH_BLOCK) {
    const blockDepth = min(DEPTH_BLOCK, depth - block);
    let panel = from;
    if (!transposed) {
      for (; panel + 4 <= to && (panel + 4) * TILE_COLUMNS <= columns; panel += 4) {
        const start = source + <usize>block * stride + (<usize>(panel * TILE_COLUMNS) << 2);
        const out = panelAddress(target, depth, columns, block, panel);
        packFourAlongLanes(out, <usize>(blockDepth * TILE_COLUMNS) << 2, start, stride, blockDepth, TILE_COLUMNS);
      }
    }
    for (; panel < to; panel++) {
      const out = panelAddress(target, depth, columns, block, panel);
      const column = panel * TILE_COLUMNS;
      const lanes = min(TILE_COLUMNS, columns - column);
      if (!transposed) {
        const start = source + <usize>block * stride + (<usize>column << 2);
        packAlongLanes(out, start, stride, lanes, blockDepth, TILE_COLUMNS);
      } else {
        const start = source + <usize>column * stride + (<usize>block << 2);
        packAlongDepth(out, start, stride, min(4, lanes), blockDepth, TILE_COLUMNS);
        // The right half of a panel that ends in its left half is blank: zero lanes of any row that exists.
        const right = max(0, lanes - 4);
        const at = right > 0 ? start + 4 * stride : start;
        packAlongDepth(out + 16, at, stride, right, blockDepth, TILE_COLUMNS);
      }
    }
  }
}

/** Where, in packed B, the panel `panel` of the depth block that starts at `block` lies. */
// @ts-ignore: decorator
@inline
export function panelAddress(packed: usize, depth: i32, columns: i32, block: i32, panel: i32): usize {
  const panels = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const blockDepth = min(DEPTH_BLOCK, depth - block);
  return packed + ((<usize>block * panels * TILE_COLUMNS + <usize>panel * blockDepth * TILE_COLUMNS) << 2);
}
