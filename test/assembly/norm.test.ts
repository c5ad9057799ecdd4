import { beforeAll, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { LayerNormArgs } from "../../src/engine/layouts.ts";
import { layerNormBackward, layerNormForward } from "../../src/reference/layer-norm.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";

const epsilon = Math.fround(1e-5);

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  it.each([1, 3, 5, 8, 17, 64])("agrees with the reference, in any parts: rows of %i", (columns) => {
    for (const rows of [1, 3, 5, 17, 40]) {
      for (const affine of [true, false]) {
        // Far from zero, so that a variance from squares would be off.
        const x = random(rows * columns, 1).map((value) => value + 30);
        const dy = random(rows * columns, 2);
        const weight = affine ? random(columns, 3) : undefined;
        const bias = affine ? random(columns, 4) : undefined;
        const start = { dx: random(x.length, 5), dWeight: random(columns, 6) };
        const options = { rows, columns, epsilon, x, weight, bias };
        const y = layerNormForward(options);
        const back = layerNormBackward(options, dy);
        const name = `${rows} rows, ${affine ? "" : "not "}affine`;
        const run = (parts: number): Float32Array[] =>
          engine.infer(() => {
            const arrays = {
              y: place(engine, x.length),
              dx: place(engine, start.dx),
              dWeight: place(engine, start.dWeight),
            };
            const args = engine.args(LayerNormArgs, {
              rows,
              columns,
              epsilon,
              x: place(engine, x).pointer,
              weight: weight ? place(engine, weight).pointer : 0,
              bias: bias ? place(engine, bias).pointer : 0,
              y: arrays.y.pointer,
              moments: place(engine, 2 * rows).pointer,
              dy: place(engine, dy).pointer,
              dx: arrays.dx.pointer,
              dWeight: arrays.dWeight.pointer,
            });
            const { layerNormForward, layerNormBackward, layerNormBackwardWeight } = engine.kernels;
            for (const kernel of [layerNormForward, layerNormBackward, layerNormBackwardWeight]) {
              runReversed(parts, (part) => kernel(args, part, parts));
            }
            return [arrays.y.read(), arrays.dx.read(), arrays.dWeight.read()];
          });
        const whole = run(1);
        // A row of one has variance 0: its gradient is rounding magnified by 1/√ε.
        if (columns > 1) {
          expectClose(whole[0], y, 1e-5, `y, ${name}`);
          const added = whole[1].map((value, i) => value - start.dx[i]);
          expectClose(added, back.dx, 1e-4, `dx, ${name}`);
          const addedWeight = whole[2].map((value, i) => value - start.dWeight[i]);
          expectClose(addedWeight, back.dWeight, 1e-4, `dWeight, ${name}`);
        }
        for (const [i, array] of run(3).entries()) expectSameBits(array, whole[i], name);
      }
    }
  });
});
