import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { SUM_BLOCK } from "../../src/engine/kernels.ts";
import { total } from "../../src/tensor/split.ts";
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

  it.each([0, ...sizes, 1001, 50_001])(
    "sums %i numbers, and their squares, in f64, in any parts",
    (count) => {
      const x = random(count, 1).map((value) => 1 + value);
      const inParts = (kernel: "sum" | "sumOfSquares", parts: number): number =>
        engine.infer(() => {
          const { pointer } = place(engine, x);
          const blocks = Math.ceil(count / SUM_BLOCK);
          const sums = place(engine, 2 * blocks);
          runReversed(parts, (part) => engine.kernels[kernel](pointer, count, sums.pointer, part, parts));
          sums.read();
          return engine.kernels.addUp(sums.pointer, blocks);
        });
      const squares = x.reduce((total, value) => total + value * value, 0);
      // Each block is added up by itself, one number after the other.
      let sum = 0;
      for (let i = 0; i < count; i += SUM_BLOCK) {
        sum += x.subarray(i, i + SUM_BLOCK).reduce((total, value) => total + value, 0);
      }
      expect(inParts("sum", 1)).toBe(sum);
      expect(inParts("sum", 3)).toBe(sum);
      expectClose([inParts("sumOfSquares", 1)], [squares], 1e-13);
      expect(inParts("sumOfSquares", 3)).toBe(inParts("sumOfSquares", 1));
    },
  );

  it("the squares of large numbers do not overflow", () => {
    const large = Math.fround(1e30);
    engine.infer(() => {
      const { pointer } = place(engine, new Float32Array(9).fill(large));
      expectClose([total(engine, "sumOfSquares", pointer, 9)], [9 * large * large], 1e-14);
    });
  });
});
