// Packing: both operands of a matmul are copied into the order in which the tile reads them.
//
// "Lanes" are the rows of A (4 to a panel, or 6) or the columns of B (TILE_COLUMNS to a panel); "depth" is the dimension that is
// summed over. A panel is [depth][width]: for each depth index its `width` lanes side by side, zeros where the
// matrix has no more lanes. The source is read through two strides, so that each operand and its transpose are the
// same code:
//   alongLanes  – lanes are contiguous in memory (op(A) = Aᵀ of a row-major A; B as it is): rows are copied
//   alongDepth  – depth is contiguous (A as it is; op(B) = Bᵀ of a row-major B): 4×4 blocks are transposed
//
// Depth is cut in blocks of DEPTH_BLOCK, so that the panels that a tile walks stay in the first-level cache: packed
// B is [blocks][panels][depth of the block][TILE_COLUMNS]. The cut depends on the depth alone.

import { loadTail, partStart } from "../simd";
import { TALL_ROWS, TILE_COLUMNS, TILE_ROWS } from "./tile";

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
      if (width - lane >= 4) v128.store(target + (<usize>lane << 2), v);
      else v128.store_lane<i64>(target + (<usize>lane << 2), v, 0);
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

/** 4, 6, 8 or 16 floats. */
// @ts-ignore: decorator
@inline
function copyLanes(target: usize, source: usize, width: i32): void {
  v128.store(target, v128.load(source));
  if (width >= 8) v128.store(target, v128.load(source, 16), 16);
  if (width == 16) {
    v128.store(target, v128.load(source, 32), 32);
    v128.store(target, v128.load(source, 48), 48);
  }
  if (width == 6) store<i64>(target, load<i64>(source, 16), 16);
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

/** Two lanes of a panel, 8 bytes at each depth index, likewise; `lanes` is 1 or 2. */
// @ts-ignore: decorator
@inline
function packPairAlongDepth(target: usize, source: usize, stride: usize, lanes: i32, depth: i32, width: i32): void {
  const step = <usize>width << 2;
  const mask = i32x4.gt_s(i32x4.splat(lanes), i32x4(0, 1, 0, 1));
  const r0 = source;
  const r1 = lanes > 1 ? source + stride : source;
  const fullDepth = <usize>(depth & ~3) << 2;
  let k: usize = 0;
  for (; k < fullDepth; k += 16) {
    const a = v128.load(r0 + k);
    const b = v128.load(r1 + k);
    const low = v128.and(mask, i32x4.shuffle(a, b, 0, 4, 1, 5));
    const high = v128.and(mask, i32x4.shuffle(a, b, 2, 6, 3, 7));
    v128.store_lane<i64>(target, low, 0);
    v128.store_lane<i64>(target + step, low, 1);
    v128.store_lane<i64>(target + 2 * step, high, 0);
    v128.store_lane<i64>(target + 3 * step, high, 1);
    target += 4 * step;
  }
  const end = <usize>depth << 2;
  for (; k < end; k += 4, target += step) {
    const v = v128.load_lane<f32>(r1 + k, v128.load32_splat(r0 + k), 1);
    v128.store_lane<i64>(target, v128.and(mask, v), 0);
  }
}

/**
 * How many of the panels of `rows` rows have 6 rows, where that is the better tile; the others have 4. With panels of
 * both, at most one row is padding: 32 rows are 4 of 6 and 2 of 4, 16 are 2 and 1.
 */
// @ts-ignore: decorator
@inline
export function tallPanels(rows: i32): i32 {
  const even = (rows + 1) & ~1;
  // What 6 leaves of an even number, 0, 2 or 4, is made up for by 0, 2 or 1 panels of 4.
  const rest = even % TALL_ROWS;
  const low = rest == 0 ? 0 : rest == 2 ? 2 : 1;
  return max(0, (even - low * TILE_ROWS) / TALL_ROWS);
}

/**
 * Packs `rows` rows (any number) and `depth` columns of op(A): first into `tall` panels of 6 rows, then into panels of 4.
 * source: where op(A)[0, 0] lies; stride: bytes from row to row of the stored matrix.
 */
export function packRows(
  target: usize, source: usize, stride: usize, transposed: bool, rows: i32, depth: i32, tall: i32,
): void {
  const high = min(rows, tall * TALL_ROWS);
  if (transposed) {
    packRowsAlongLanes(target, source, stride, high, depth, TALL_ROWS);
  } else {
    let at = target;
    for (let row = 0; row < high; row += TALL_ROWS, at += <usize>(depth * TALL_ROWS) << 2) {
      const from = source + <usize>row * stride;
      packAlongDepth(at, from, stride, TILE_ROWS, depth, TALL_ROWS);
      packPairAlongDepth(at + 16, from + 4 * stride, stride, high - row - TILE_ROWS, depth, TALL_ROWS);
    }
  }
  target += <usize>(tall * TALL_ROWS * depth) << 2;
  source += transposed ? <usize>high << 2 : <usize>high * stride;
  if (transposed) {
    packRowsAlongLanes(target, source, stride, rows - high, depth, TILE_ROWS);
  } else {
    for (let row = high; row < rows; row += TILE_ROWS, source += <usize>TILE_ROWS * stride) {
      packAlongDepth(target, source, stride, min(TILE_ROWS, rows - row), depth, TILE_ROWS);
      target += <usize>(depth * TILE_ROWS) << 2;
    }
  }
}

/** Of a transposed A, whose rows are contiguous: into panels of `width` rows. */
// @ts-ignore: decorator
@inline
function packRowsAlongLanes(target: usize, source: usize, stride: usize, rows: i32, depth: i32, width: i32): void {
  const panel = <usize>(depth * width) << 2;
  let row = 0;
  for (; row + 4 * width <= rows; row += 4 * width, target += panel << 2) {
    packFourAlongLanes(target, panel, source + (<usize>row << 2), stride, depth, width);
  }
  for (; row < rows; row += width, target += panel) {
    packAlongLanes(target, source + (<usize>row << 2), stride, min(width, rows - row), depth, width);
  }
}

/**
 * Packs op(B)[depth, columns] into panels, all blocks of the depth: K · N rounded up to whole panels. Split by panels.
 * stride: floats from row to row of the stored matrix ([depth, columns], or [columns, depth] if transposed).
 */
export function packPanels(
  target: usize, source: usize, sourceStride: i32, transposed: i32, depth: i32, columns: i32, part: i32, parts: i32,
): void {
  const panels = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const from = partStart(panels, 1, part, parts);
  const to = partStart(panels, 1, part + 1, parts);
  const stride = <usize>sourceStride << 2;
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
        for (let lane = 0; lane < TILE_COLUMNS; lane += 4) {
          const left = lanes - lane;
          // Lanes past the end are blank: zero lanes of any row that exists.
          const at = left > 0 ? start + <usize>lane * stride : start;
          packAlongDepth(out + (<usize>lane << 2), at, stride, min(4, max(0, left)), blockDepth, TILE_COLUMNS);
        }
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
