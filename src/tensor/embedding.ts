import type { Engine } from "../engine/engine.ts";
import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { rowParts } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Rows of a table [V, E] by token id, ids [T, B], that are named and not made: what a recurrent layer reads faster than
 * the rows themselves (input-projection.ts). The ids are checked when they are read.
 */
export class Lookup {
  readonly table: Tensor;
  readonly ids: Tensor;

  /** @throws ShapeError unless the ids are i32 and the table is a matrix. */
  constructor(table: Tensor, ids: Tensor) {
    checkType("embedding, ids", ids, "i32");
    checkDimensions("embedding, table", table, ["V", "E"]);
    this.table = table;
    this.ids = ids;
  }
}

/**
 * Rows of `table` [V, E] by token id: ids […] → […, E]. Back: each row of the gradient is added to its token's row.
 * @throws ShapeError on an id outside 0 … V − 1.
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  const lookup = new Lookup(table, ids);
  checkLookup(lookup);
  return rowsOf(lookup);
}

/** The rows that a lookup names, which has been checked. */
export function rowsOf({ table, ids }: Lookup): Tensor {
  const size = table.shape[1];
  const { engine } = table;
  const y = engine.empty([...ids.shape, size], "f32", "embedding");
  lookUp(engine, table.pointer, ids, y.pointer, size);
  record([y], [table], () => addLookedUp(engine, table.gradient.pointer, ids, y.gradient.pointer, size));
  return y;
}

/** y[i, :] = table[ids[i], :], rows of `size` floats. */
export function lookUp(engine: Engine, table: number, ids: Tensor, y: number, size: number): void {
  const parts = rowParts(engine, ids.size, size, 64, 0.1);
  engine.run("moveRows", parts, y, 0, size, table, ids.pointer, size, ids.size, size, 0);
}

/** table[ids[i], :] += x[i, :]. By columns: two parts never write the same float, and each adds up repeated ids in order. */
export function addLookedUp(engine: Engine, table: number, ids: Tensor, x: number, size: number): void {
  const parts = engine.parts(Math.ceil(size / 16), 0.15 * ids.size * size);
  engine.run("embeddingBackward", parts, table, ids.pointer, x, ids.size, size);
}

/** @throws EngineError if the table or the ids are no more; ShapeError on an id outside 0 … V − 1. */
export function checkLookup({ table, ids }: Lookup): void {
  const { engine } = table;
  engine.use(table);
  engine.use(ids);
  checkIds("embedding", ids, table.shape[0]);
}

/** @throws ShapeError if an id is neither in 0 … limit − 1 nor `except`. */
export function checkIds(operation: string, ids: Tensor, limit: number, except = 0): void {
  const start = ids.pointer >>> 2;
  const heap = ids.engine.memory.i32;
  for (let i = 0; i < ids.size; i++) {
    const id = heap[start + i];
    if ((id < 0 || id >= limit) && id !== except) {
      throw new ShapeError(
        `${operation}: ids must be from 0 to ${limit - 1}, got ${id} at element ${i} of ${ids}`,
      );
    }
  }
}
