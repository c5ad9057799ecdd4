import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PieceTable } from "../../../src/text/bpe/piece-table.ts";

describe("PieceTable", () => {
  it("numbers distinct pieces in the order in which they come, as a Map would", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 6 }), { maxLength: 200 }), (pieces) => {
        const table = new PieceTable();
        const expected = new Map<string, number>();
        for (const piece of pieces) {
          if (!expected.has(piece)) expected.set(piece, expected.size);
          // In the middle of a text, whose other characters must not count.
          expect(table.numberOf(`ab${piece}cd`, 2, 2 + piece.length)).toBe(expected.get(piece));
        }
        expect(Array.from({ length: table.size }, (_, i) => table.pieceAt(i))).toEqual([...expected.keys()]);
      }),
      { numRuns: 300 },
    );
  });

  it("grows, and starts anew when cleared", () => {
    const table = new PieceTable();
    const count = 30_000;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < count; i++) expect(table.numberOf(`${i}`, 0, `${i}`.length)).toBe(i);
      for (let i = 0; i < count; i += 7) expect(table.numberOf(`${i}`, 0, `${i}`.length)).toBe(i);
      expect(table.size).toBe(count);
      expect(table.pieceAt(count - 1)).toBe(`${count - 1}`);
      table.clear();
      expect(table.size).toBe(0);
    }
  });

  it("gives a long piece back", () => {
    const long = "long ✓ ".repeat(20_000);
    const table = new PieceTable();
    expect(table.pieceAt(table.numberOf(long, 0, long.length))).toBe(long);
  });
});
