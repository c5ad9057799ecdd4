// Embedding: the gradient of rows of a table that were looked up by token id (rows.ts does that).
//
//   dTable[ids[i], :] += dy[i, :]      in the order of i, so that repeated ids add up the same way every time
//
// ids: i32, checked by the host before the call. Split by columns of the table: two parts never write the same float.

import { loadUpTo4, partStart, storePair, storeUpTo4 } from "./simd";

export function embeddingBackward(
  dTable: usize, ids: usize, dy: usize, count: i32, size: i32, part: i32, parts: i32,
): void {
  const from = partStart(size, 16, part, parts);
  const to = partStart(size, 16, part + 1, parts);
  const row = <usize>size << 2;
  for (let i = 0; i < count; i++) {
    const target = dTable + <usize>load<i32>(ids + (<usize>i << 2)) * row;
    const source = dy + <usize>i * row;
    let j = from;
    for (; j + 8 <= to; j += 8) {
      const a = target + (<usize>j << 2);
      const b = source + (<usize>j << 2);
      const low = f32x4.add(v128.load(a), v128.load(b));
      const high = f32x4.add(v128.load(a, 16), v128.load(b, 16));
      storePair(a, low, high);
    }
    for (; j < to; j += 4) {
      const at = <usize>j << 2;
      storeUpTo4(target + at, f32x4.add(loadUpTo4(target + at, to - j), loadUpTo4(source + at, to - j)), to - j);
    }
  }
}
