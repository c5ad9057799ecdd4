import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MergeTable } from "../../../src/text/bpe/merge-table.ts";

type Merge = [left: number, right: number, merged: number, rank: number];

/** The definition: look for the merge of the lowest rank, the leftmost of them, apply it, start again. */
function mergedByDefinition(merges: readonly Merge[], symbols: readonly number[]): number[] {
  const result = [...symbols];
  for (;;) {
    let best: { at: number; merge: Merge } | undefined;
    for (let i = 0; i + 1 < result.length; i++) {
      const merge = merges.find(([left, right]) => left === result[i] && right === result[i + 1]);
      if (merge && (best === undefined || merge[3] < best.merge[3])) best = { at: i, merge };
    }
    if (!best) return result;
    result.splice(best.at, 2, best.merge[2]);
  }
}

function apply(table: MergeTable, symbols: readonly number[]): number[] {
  const buffer = Int32Array.from(symbols);
  return [...buffer.slice(0, table.apply(buffer, buffer.length))];
}

/** Merges of symbols 0 … 3 and of what merges make; `share` gives several merges one rank. */
const arbitraryMerges = fc
  .tuple(
    fc.uniqueArray(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 12, selector: String }),
    fc.array(fc.nat(9), { minLength: 12, maxLength: 12 }),
    fc.boolean(),
  )
  .map(([pairs, made, share]) =>
    pairs.map(([left, right], i): Merge => [left, right, made[i], share ? i >> 1 : i]),
  );

describe("MergeTable", () => {
  it("merges as the definition says", () => {
    fc.assert(
      fc.property(arbitraryMerges, fc.array(fc.nat(4), { maxLength: 40 }), (merges, symbols) => {
        const table = new MergeTable(Int32Array.from(merges.flat()));
        expect(apply(table, symbols)).toEqual(mergedByDefinition(merges, symbols));
      }),
      { numRuns: 3000 },
    );
  });

  it("merges one piece after another without a trace of the one before", () => {
    const merges: Merge[] = [
      [0, 1, 2, 0],
      [2, 2, 3, 1],
    ];
    const table = new MergeTable(Int32Array.from(merges.flat()));
    expect(
      apply(
        table,
        Array.from({ length: 1000 }, (_, i) => i % 2),
      ),
    ).toEqual(Array(250).fill(3));
    expect(apply(table, [1, 0])).toEqual([1, 0]);
    expect(apply(table, [])).toEqual([]);
    expect(apply(table, [0, 1, 0])).toEqual([2, 0]);
  });

  it("takes the first of two merges of one pair", () => {
    const table = new MergeTable(Int32Array.from([0, 1, 2, 0, 0, 1, 3, 1]));
    expect(apply(table, [0, 1])).toEqual([2]);
  });

  it("holds tens of thousands of merges", () => {
    const merges = new Int32Array(40_000 * 4);
    for (let i = 0; i < 40_000; i++) merges.set([i, i + 1, 100_000 + i, i], 4 * i);
    const table = new MergeTable(merges);
    for (const i of [0, 1, 17, 39_999]) expect(apply(table, [i, i + 1])).toEqual([100_000 + i]);
    expect(apply(table, [40_000, 40_001])).toEqual([40_000, 40_001]);
  });
});
