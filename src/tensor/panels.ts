import type { Engine } from "../engine/engine.ts";
import { derivedLater, derivedNow, type Recipe } from "./derived.ts";
import { Parameter, type Tensor } from "./tensor.ts";

/** One operand: its address, and the floats from row to row of the matrix as stored. */
export interface Matrix {
  pointer: number;
  stride: number;
  transposed?: boolean;
  /** The tensor that it lies in: the panels of a parameter may be kept. */
  tensor?: Tensor;
}

/** With more rows to multiply than that, packing costs less than 2 % of the product: nothing is gained by keeping panels. */
const MOST_ROWS = 512;

/** How much room `columns` of packed panels take, in bytes: 8 columns to a panel, 16 in the wide build, zeros in the last. */
export function packedBytes(depth: number, columns: number): number {
  return 4 * depth * 16 * Math.ceil(columns / 16);
}

/**
 * The address of op(b)[depth, columns] in panels, as the tiles of a matmul read it (assembly/matmul/pack.ts); `rows` is
 * how many rows will be multiplied with it. They are packed into the arena, but in `engine.infer()` a parameter's panels are
 * kept (derived.ts): for a batch of 4 and one step, packing takes three times as long as the product.
 */
export function packPanels(engine: Engine, b: Matrix, depth: number, columns: number, rows: number): number {
  if (engine.isInferring && rows <= MOST_ROWS && b.tensor instanceof Parameter) {
    const kept = derivedLater(engine, panelsOf(engine, b, b.tensor, depth, columns));
    if (kept) return kept;
  }
  const packed = engine.memory.bump(packedBytes(depth, columns));
  pack(engine, b, depth, columns, packed);
  return packed;
}

/** Between steps: the address of the panels of a parameter, which are kept; 0 where memory is short. */
export function keptPanels(
  engine: Engine,
  b: Matrix & { tensor: Parameter },
  depth: number,
  columns: number,
): number {
  return derivedNow(engine, panelsOf(engine, b, b.tensor, depth, columns));
}

function panelsOf(engine: Engine, b: Matrix, tensor: Parameter, depth: number, columns: number): Recipe {
  return {
    sources: [tensor],
    key: `${b.transposed ? "transposed " : ""}${depth}×${columns} from ${b.pointer - tensor.pointer}, ${b.stride} a row`,
    floats: packedBytes(depth, columns) / 4,
    fill: (target) => pack(engine, b, depth, columns, target),
  };
}

function pack(engine: Engine, b: Matrix, depth: number, columns: number, target: number): void {
  const parts = engine.parts(Math.ceil(columns / 32), 0.3 * depth * columns);
  engine.run("packPanels", parts, target, b.pointer, b.stride, b.transposed ? 1 : 0, depth, columns);
}
