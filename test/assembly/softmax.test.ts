import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax-cross-entropy.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, placeIds, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";
import { randomIds } from "../helpers/random-ids.ts";

const sizes = [1, 3, 5, 8, 17, 64, 100];
const TOLERANCE = 1e-6;
const IGNORE = -100;

/** Row by row in f64. */
function softmax(x: Float32Array, columns: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += columns) {
    const row = x.subarray(from, from + columns);
    const max = Math.max(...row);
    const total = row.reduce((sum, value) => sum + Math.exp(value - max), 0);
    for (let j = 0; j < columns; j++) y[from + j] = Math.exp(row[j] - max) / total;
  }
  return y;
}

/** start + y ⊙ (dy − Σ dy⊙y), row by row in f64. */
function softmaxGradient(y: Float32Array, dy: Float32Array, start: Float32Array, columns: number): number[] {
  return Array.from(y, (value, i) => {
    const from = i - (i % columns);
    let dot = 0;
    for (let j = from; j < from + columns; j++) dot += y[j] * dy[j];
    return start[i] + value * (dy[i] - dot);
  });
}

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  function forward(x: Float32Array, rows: number, columns: number, parts = 1): Float32Array {
    return engine.infer(() => {
      const input = place(engine, x).pointer;
      const y = place(engine, x.length);
      runReversed(parts, (part) =>
        engine.kernels.softmaxForward(input, y.pointer, rows, columns, part, parts),
      );
      return y.read();
    });
  }

  function crossEntropy(x: Float32Array, targets: Int32Array, scale: number, start: Float32Array, parts = 1) {
    const rows = targets.length;
    const columns = x.length / rows;
    return engine.infer(() => {
      const { kernels } = engine;
      const logits = place(engine, x).pointer;
      const labels = placeIds(engine, targets).pointer;
      const losses = place(engine, rows);
      const sums = place(engine, 2 * rows);
      const dx = place(engine, start);
      runReversed(parts, (part) =>
        kernels.crossEntropyForward(
          logits,
          labels,
          IGNORE,
          losses.pointer,
          sums.pointer,
          rows,
          columns,
          part,
          parts,
        ),
      );
      runReversed(parts, (part) =>
        kernels.crossEntropyBackward(
          logits,
          labels,
          IGNORE,
          sums.pointer,
          scale,
          dx.pointer,
          rows,
          columns,
          part,
          parts,
        ),
      );
      return { losses: losses.read(), normalizers: sums.read(), dx: dx.read() };
    });
  }

  it.each(sizes)("softmax and its gradient agree with f64, in any parts: %i columns", (columns) => {
    for (const rows of sizes) {
      const x = random(rows * columns, 1, 5);
      const y = forward(x, rows, columns);
      expectClose(y, softmax(x, columns), TOLERANCE, `${rows} rows`);
      expectSameBits(forward(x, rows, columns, 3), y, `${rows} rows`);

      const dy = random(rows * columns, 2);
      const start = random(rows * columns, 3);
      const [whole, split] = [1, 3].map((parts) =>
        engine.infer(() => {
          const output = place(engine, y).pointer;
          const gradient = place(engine, dy).pointer;
          const dx = place(engine, start);
          runReversed(parts, (part) =>
            engine.kernels.softmaxBackward(output, gradient, dx.pointer, rows, columns, part, parts),
          );
          return dx.read();
        }),
      );
      expectClose(whole, softmaxGradient(y, dy, start, columns), TOLERANCE, `gradient of ${rows} rows`);
      expectSameBits(split, whole, `gradient of ${rows} rows`);
    }
  });

  it.each(sizes)("cross-entropy agrees with the reference, in any parts: %i classes", (classes) => {
    for (const rows of sizes) {
      const logits = random(rows * classes, 1, 5);
      // Every third row is ignored, but not the first.
      const targets = randomIds(rows, 2, classes).map((id, row) => (row % 3 === 1 ? IGNORE : id));
      const options = { rows, classes, logits, targets, ignoreIndex: IGNORE };
      const { loss, dLogits, counted } = softmaxCrossEntropy(options);
      const start = random(rows * classes, 3);
      const whole = crossEntropy(logits, targets, 1 / counted, start);
      const total = whole.losses.reduce((sum, value) => sum + value, 0);
      expectClose([total / counted], [loss], classes === 1 ? 0 : 1e-5, `loss of ${rows} rows`);
      const expected = start.map((value, i) => value + dLogits[i]);
      expectClose(whole.dx, expected, TOLERANCE, `gradient of ${rows} rows`);
      for (let row = 1; row < rows; row += 3) {
        expect(whole.losses[row]).toBe(0);
        const [from, to] = [row * classes, (row + 1) * classes];
        expectSameBits(whole.dx.subarray(from, to), start.subarray(from, to), `ignored row ${row}`);
      }
      const split = crossEntropy(logits, targets, 1 / counted, start, 3);
      expectSameBits(split.losses, whole.losses);
      expectSameBits(split.normalizers, whole.normalizers);
      expectSameBits(split.dx, whole.dx);
    }
  });

  it("stays finite for large logits", () => {
    const x = Float32Array.of(1e4, -1e4, 0, 1e4, 3e38);
    expect([...forward(x, 1, 5)]).toEqual([0, 0, 0, 0, 1]);
    const { losses, dx } = crossEntropy(Float32Array.of(1e4, -1e4), Int32Array.of(1), 1, new Float32Array(2));
    expect([...losses]).toEqual([2e4]);
    expect([...dx]).toEqual([1, -1]);
    for (const size of [1e5, 1e8]) {
      const equal = crossEntropy(Float32Array.of(size, size), Int32Array.of(0), 1, new Float32Array(2));
      expectClose(equal.dx, [-0.5, 0.5], TOLERANCE);
      expectClose(equal.losses, [Math.LN2], TOLERANCE);
    }
  });

  it("passes NaN on, so that a loss shows it", () => {
    for (const [size, at] of [
      [5, 4],
      [19, 2],
      [19, 13],
      [19, 17],
    ]) {
      const x = Float32Array.from({ length: size }, (_, i) => (i === at ? Number.NaN : i));
      expect(forward(x, 1, size).every(Number.isNaN)).toBe(true);
      expect(crossEntropy(x, Int32Array.of(0), 1, new Float32Array(size)).losses[0]).toBeNaN();
    }
  });
});
