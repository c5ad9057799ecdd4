import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { embeddingBackward, embeddingForward } from "../../src/reference/embedding.ts";
import { expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, placeIds, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";
import { randomIds } from "../helpers/random-ids.ts";

const sizes = [1, 3, 5, 8, 17, 64, 100];
const vocabSize = 7;

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  it.each(sizes)("agrees with the reference bit for bit, in any parts: vectors of %i", (size) => {
    for (const count of sizes) {
      // From the second size on ids repeat: there are more of them than rows, or nearly so.
      const ids = randomIds(count, 1, vocabSize);
      const table = random(vocabSize * size, 2);
      const dy = random(count * size, 3);
      const start = random(vocabSize * size, 4);
      const expected = embeddingForward(ids, size, table);
      const expectedGradient = embeddingBackward(ids, size, dy, start.slice());
      for (const parts of [1, 3]) {
        engine.infer(() => {
          const { kernels } = engine;
          const tokens = placeIds(engine, ids).pointer;
          const rows = place(engine, table).pointer;
          const y = place(engine, count * size);
          runReversed(parts, (part) =>
            kernels.moveRows(y.pointer, 0, size, rows, tokens, size, count, size, 0, part, parts),
          );
          expectSameBits(y.read(), expected, `${count} rows in ${parts} parts`);
          const gradient = place(engine, dy).pointer;
          const dTable = place(engine, start);
          runReversed(parts, (part) =>
            kernels.embeddingBackward(dTable.pointer, tokens, gradient, count, size, part, parts),
          );
          expectSameBits(dTable.read(), expectedGradient, `gradient, ${count} rows in ${parts} parts`);
        });
      }
    }
  });

  it("adds the gradients of repeated ids", () => {
    const gradient = engine.infer(() => {
      const tokens = placeIds(engine, Int32Array.of(1, 0, 1, 1)).pointer;
      const dy = place(engine, Float32Array.of(1, 2, 4, 8)).pointer;
      const dTable = place(engine, Float32Array.of(100, 200));
      engine.kernels.embeddingBackward(dTable.pointer, tokens, dy, 4, 1, 0, 1);
      return [...dTable.read()];
    });
    expect(gradient).toEqual([102, 213]);
  });
});
