/** An embedding table: rows gathered by id, and the gradient scattered back. */

/** out[i] = table[ids[i]], with out [ids.length, size] and table [rows, size]. Throws RangeError on a foreign id. */
export function embeddingForward(
  ids: Int32Array,
  size: number,
  table: Float32Array,
  out = new Float32Array(ids.length * size),
): Float32Array {
  checkIds(ids, table.length / size);
  for (let i = 0; i < ids.length; i++) {
    const from = ids[i] * size;
    for (let k = 0; k < size; k++) out[i * size + k] = table[from + k];
  }
  return out;
}

/** dTable[ids[i]] += dOut[i]: an id that occurs twice receives both gradients. */
export function embeddingBackward(
  ids: Int32Array,
  size: number,
  dOut: Float32Array,
  dTable: Float32Array,
): Float32Array {
  checkIds(ids, dTable.length / size);
  for (let i = 0; i < ids.length; i++) {
    const to = ids[i] * size;
    for (let k = 0; k < size; k++) dTable[to + k] += dOut[i * size + k];
  }
  return dTable;
}

function checkIds(ids: Int32Array, rows: number): void {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] >= 0 && ids[i] < rows) continue;
    throw new RangeError(`embedding: expected ids from 0 to ${rows - 1}, got ${ids[i]} at position ${i}`);
  }
}
