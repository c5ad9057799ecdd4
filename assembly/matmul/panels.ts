// A block of rows times packed panels: the loop around the tile that gemm and the recurrent cells share.
//
//   C[rows, panels from … to] += op(A)[rows, depth] · B[depth, those columns]   (= where C is fresh: what it held is not read)
//
// A is packed here, ROW_BLOCK rows at a time, into `scratch` (PANEL_SCRATCH bytes, private to the caller's part). `tall`
// allows tiles of six rows, which are faster where the runtime keeps their accumulators in registers (tile.ts). B's panel
// stays in the first-level cache while all row panels of the block pass over it. Every element of C sees the same
// operations in the same order wherever it lies in whatever block: bits depend on the depth alone.

import { loadUpTo4, storeUpTo4 } from "../simd";
import { DEPTH_BLOCK, packRows, panelAddress, tallPanels } from "./pack";
import { TALL_ROWS, TILE_COLUMNS, TILE_ROWS, tileFour, tileSix } from "./tile";

export const ROW_BLOCK: i32 = 64;
const EDGE_BYTES: i32 = TALL_ROWS * TILE_COLUMNS * 4;
/** Bytes of scratch that one part needs: a packed block of A and one tile for the edges of C. */
export const PANEL_SCRATCH: i32 = ROW_BLOCK * DEPTH_BLOCK * 4 + EDGE_BYTES;

export function multiplyPanels(
  a: usize,
  aStride: usize,
  aTransposed: bool,
  rows: i32,
  depth: i32,
  packed: usize,
  columns: i32,
  from: i32,
  to: i32,
  c: usize,
  cStride: usize,
  scratch: usize,
  tall: bool,
  fresh: bool = false,
): void {
  const edge = scratch + ROW_BLOCK * DEPTH_BLOCK * 4;
  for (let row = 0; row < rows; row += ROW_BLOCK) {
    const blockRows = min(ROW_BLOCK, rows - row);
    for (let block = 0; block < depth; block += DEPTH_BLOCK) {
      const blockDepth = min(DEPTH_BLOCK, depth - block);
      const start = aTransposed
        ? a + <usize>block * aStride + (<usize>row << 2)
        : a + <usize>row * aStride + (<usize>block << 2);
      const high = ASC_FEATURE_RELAXED_SIMD && tall ? tallPanels(blockRows) : 0;
      packRows(scratch, start, aStride, aTransposed, blockRows, blockDepth, high);
      const first = fresh && block == 0;
      const depthBytes = <usize>blockDepth << 2;
      for (let panel = from; panel < to; panel++) {
        const b = panelAddress(packed, depth, columns, block, panel);
        const column = panel * TILE_COLUMNS;
        const width = min(TILE_COLUMNS, columns - column);
        let at = c + <usize>row * cStride + (<usize>column << 2);
        let aPanel = scratch;
        let i = 0;
        if (ASC_FEATURE_RELAXED_SIMD) {
          for (; i < high * TALL_ROWS; i += TALL_ROWS, aPanel += <usize>TALL_ROWS * depthBytes, at += <usize>TALL_ROWS * cStride) {
            const height = min(TALL_ROWS, blockRows - i);
            if (height == TALL_ROWS && width == TILE_COLUMNS) {
              tileSix(aPanel, b, at, cStride, blockDepth, first);
            } else {
              tileSix(aPanel, b, edge, TILE_COLUMNS * 4, blockDepth, true);
              mergeEdge(at, cStride, edge, height, width, first);
            }
          }
        }
        for (; i < blockRows; i += TILE_ROWS, aPanel += <usize>TILE_ROWS * depthBytes, at += <usize>TILE_ROWS * cStride) {
          const height = min(TILE_ROWS, blockRows - i);
          if (height == TILE_ROWS && width == TILE_COLUMNS) {
            tileFour(aPanel, b, at, cStride, blockDepth, first);
          } else {
            tileFour(aPanel, b, edge, TILE_COLUMNS * 4, blockDepth, true);
            mergeEdge(at, cStride, edge, height, width, first);
          }
        }
      }
    }
  }
}

/** C[height, width] += the corner of a full tile, or = it where C is fresh. */
function mergeEdge(c: usize, stride: usize, tile: usize, height: i32, width: i32, fresh: bool): void {
  for (let i = 0; i < height; i++, c += stride, tile += TILE_COLUMNS * 4) {
    for (let j = 0; j < width; j += 4) {
      const at = c + (<usize>j << 2);
      const left = width - j;
      const v = v128.load(tile + (<usize>j << 2));
      storeUpTo4(at, fresh ? v : f32x4.add(loadUpTo4(at, left), v), left);
    }
  }
}
