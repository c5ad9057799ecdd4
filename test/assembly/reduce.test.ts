import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";

const sizes = [1, 3, 5, 8, 17, 64, 100];

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  it.each(sizes)("column sums agree with f64, weighted or not, in any parts: %i columns", (columns) => {
    for (const rows of sizes) {
      for (const stride of [columns, columns + 3]) {
        for (const weighted of [false, true]) {
          // The last row ends with its last column: nothing past it may be read.
          const length = (rows - 1) * stride + columns;
          const x = random(length, 1);
          const w = random(length, 2);
          const start = random(columns, 3);
          const expected = Array.from(start, (value, j) => {
            let sum = value;
            for (let row = 0; row < rows; row++) {
              const at = row * stride + j;
              sum += weighted ? x[at] * w[at] : x[at];
            }
            return sum;
          });
          const [whole, split] = [1, 3].map((parts) =>
            engine.infer(() => {
              const source = place(engine, x).pointer;
              const weights = weighted ? place(engine, w).pointer : 0;
              const y = place(engine, start);
              runReversed(parts, (part) =>
                engine.kernels.columnSums(y.pointer, source, weights, rows, columns, stride, part, parts),
              );
              return y.read();
            }),
          );
          expectClose(whole, expected, 2e-6, `${rows} rows, stride ${stride}`);
          expectSameBits(split, whole, `${rows} rows, stride ${stride}`);
        }
      }
    }
  });

  it.each([0, ...sizes, 1001])("sums %i numbers, and their squares, in f64", (count) => {
    const x = random(count, 1).map((value) => 1 + value);
    engine.infer(() => {
      const { pointer } = place(engine, x);
      const sum = x.reduce((total, value) => total + value, 0);
      const squares = x.reduce((total, value) => total + value * value, 0);
      expect(engine.kernels.sum(pointer, count)).toBe(sum);
      expectClose([engine.kernels.sumOfSquares(pointer, count)], [squares], 1e-14);
    });
  });

  it("the squares of large numbers do not overflow", () => {
    const large = Math.fround(1e30);
    engine.infer(() => {
      const { pointer } = place(engine, new Float32Array(9).fill(large));
      expectClose([engine.kernels.sumOfSquares(pointer, 9)], [9 * large * large], 1e-14);
    });
  });
});
