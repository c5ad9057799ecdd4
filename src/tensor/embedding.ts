import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { rowParts } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Rows of `table` [V, E] by token id: ids […] → […, E]. Back: each row of the gradient is added to its token's row.
 * @throws ShapeError on an id outside 0 … V − 1.
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  checkType("embedding, ids", ids, "i32");
  checkDimensions("embedding, table", table, ["V", "E"]);
  const [vocabSize, size] = table.shape;
  const { engine } = table;
  const rows = engine.use(table);
  const tokens = engine.use(ids);
  checkIds("embedding", ids, vocabSize);
  const y = engine.empty([...ids.shape, size], "f32", "embedding");
  const parts = rowParts(engine, ids.size, size, 64, 0.1);
  engine.run("embeddingForward", parts, rows, tokens, y.pointer, ids.size, size);
  record([y], [table], () => {
    const dTable = table.gradient.pointer;
    const dy = y.gradient.pointer;
    // By columns: two parts never write the same float, and each adds up repeated ids in their order.
    const parts = engine.parts(Math.ceil(size / 16), 0.3 * y.size);
    engine.run("embeddingBackward", parts, dTable, tokens, dy, ids.size, size);
  });
  return y;
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
