// Rows from place to place: looking up embeddings, packing a batch of sequences of several lengths, slices, concatenation.
//
//   target[targetRows[i], :] = source[sourceRows[i], :], or += where `add` is set,     i < count
//
// Rows are `size` floats, at distances of their own (targetStride, sourceStride, in floats). targetRows, sourceRows:
// [count] i32, checked by the host, or 0 for i itself. No target row is there twice (embedding.ts adds up repeated ones).
// Split by i.

import { loadTail, partStart, storeTail } from "./simd";

export function moveRows(
  target: usize, targetRows: usize, targetStride: i32, source: usize, sourceRows: usize, sourceStride: i32,
  count: i32, size: i32, add: i32, part: i32, parts: i32,
): void {
  const from = partStart(count, 1, part, parts);
  const to = partStart(count, 1, part + 1, parts);
  const row = <usize>size << 2;
  for (let i = from; i < to; i++) {
    const at = <usize>i << 2;
    const y = target + ((<usize>(targetRows ? load<i32>(targetRows + at) : i) * targetStride) << 2);
    const x = source + ((<usize>(sourceRows ? load<i32>(sourceRows + at) : i) * sourceStride) << 2);
    if (add) addRow(y, x, size);
    else memory.copy(y, x, row);
  }
}

function addRow(y: usize, x: usize, size: i32): void {
  const end = y + (<usize>(size & ~3) << 2);
  for (; y < end; y += 16, x += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
  const tail = size & 3;
  if (tail) storeTail(y, f32x4.add(loadTail(y, tail), loadTail(x, tail)), tail);
}
