import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, placeIds, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";

const sizes = [1, 3, 5, 8, 17];

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  /** `count` different rows of 2·count, in no order. */
  const rowsOf = (count: number, step: number): Int32Array =>
    Int32Array.from({ length: count }, (_, i) => (i * step + 1) % (2 * count));

  it.each(sizes)("moves and adds rows of %i floats, from and to anywhere, in any parts", (size) => {
    for (const count of [1, 3, 17, 150]) {
      for (const form of [0, 1, 2, 3]) {
        // Odd numbers of an even number of rows are all different.
        const from = form & 1 ? rowsOf(count, 1) : undefined;
        const to = form & 2 ? rowsOf(count, 2 * count - 1) : undefined;
        const [targetStride, sourceStride] = [size + 2, size + 3];
        const source = random(2 * count * sourceStride, 1);
        const before = random(2 * count * targetStride, 2);
        for (const add of [0, 1]) {
          const expected = before.slice();
          for (let i = 0; i < count; i++) {
            for (let j = 0; j < size; j++) {
              const at = (to?.[i] ?? i) * targetStride + j;
              const value = source[(from?.[i] ?? i) * sourceStride + j];
              expected[at] = add ? expected[at] + value : value;
            }
          }
          for (const parts of [1, 3]) {
            const actual = engine.infer(() => {
              const target = place(engine, before);
              const targetRows = to ? placeIds(engine, to).pointer : 0;
              const sourceRows = from ? placeIds(engine, from).pointer : 0;
              const x = place(engine, source).pointer;
              runReversed(parts, (part) =>
                engine.kernels.moveRows(
                  target.pointer,
                  targetRows,
                  targetStride,
                  x,
                  sourceRows,
                  sourceStride,
                  count,
                  size,
                  add,
                  part,
                  parts,
                ),
              );
              return target.read();
            });
            expectSameBits(actual, expected, `${count} rows, form ${form}, add ${add}, ${parts} parts`);
          }
        }
      }
    }
    expect(new Set(rowsOf(150, 299)).size).toBe(150);
  });
});
