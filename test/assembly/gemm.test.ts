import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { GemmArgs, GemvArgs } from "../../src/engine/layouts.ts";
import { gemm as reference } from "../../src/reference/gemm.ts";
import { gemm } from "../../src/tensor/gemm.ts";
import { packedBytes } from "../../src/tensor/panels.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, poison, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";

interface Product {
  m: number;
  n: number;
  k: number;
  aTransposed?: boolean;
  bTransposed?: boolean;
  accumulate?: boolean;
  bias?: boolean;
  /** Floats between the rows of every matrix. */
  gap?: number;
}

const TOLERANCE = 1e-5;
const sizes = [1, 3, 5, 8, 17, 64, 100];
const transposes = [false, true].flatMap((aTransposed) =>
  [false, true].map((bTransposed) => ({ aTransposed, bTransposed })),
);
/** What the floats between rows hold: the kernel must neither use nor change them. */
const GAP = Number.NaN;

/** The dense matrix with `gap` NaNs behind each row. */
function spread(dense: Float32Array, columns: number, gap: number): Float32Array {
  const rows = dense.length / columns;
  const out = new Float32Array(rows * (columns + gap)).fill(GAP);
  for (let row = 0; row < rows; row++) {
    out.set(dense.subarray(row * columns, (row + 1) * columns), row * (columns + gap));
  }
  return out;
}

/** The inputs of a product; positive on the whole, so that sums don't cancel out. */
function inputs({ m, n, k }: Product) {
  const shifted = (size: number, seed: number) => random(size, seed).map((value) => value + 0.25);
  return { a: shifted(m * k, 1), b: shifted(k * n, 2), c: shifted(m * n, 3), bias: shifted(n, 4) };
}

/** Runs the kernels, NaN lying in all that they may not read, and returns the spread-out C. */
function multiply(engine: Engine, product: Product, { a, b, c, bias } = inputs(product)): Float32Array {
  const { m, n, k, aTransposed = false, bTransposed = false, accumulate = false, gap = 0 } = product;
  const aColumns = aTransposed ? m : k;
  const bColumns = bTransposed ? k : n;
  return engine.infer(() => {
    const left = place(engine, spread(a, aColumns, gap));
    const right = place(engine, spread(b, bColumns, gap));
    const start = accumulate ? c : new Float32Array(m * n).fill(Number.NaN);
    const target = place(engine, spread(start, n, gap));
    const added = product.bias ? place(engine, bias).pointer : undefined;
    poison(engine, (packedBytes(k, n) + engine.kernels.gemmScratchBytes()) / 4);
    gemm(
      engine,
      m,
      n,
      k,
      { pointer: left.pointer, stride: aColumns + gap, transposed: aTransposed },
      { pointer: right.pointer, stride: bColumns + gap, transposed: bTransposed },
      { pointer: target.pointer, stride: n + gap },
      { accumulate, bias: added },
    );
    return target.read();
  });
}

function check(engine: Engine, product: Product): void {
  const { m, n, k, aTransposed = false, bTransposed = false, accumulate = false, gap = 0 } = product;
  const data = inputs(product);
  const expected = new Float32Array(m * n);
  if (accumulate) expected.set(data.c);
  if (product.bias) for (let i = 0; i < expected.length; i++) expected[i] = data.bias[i % n];
  reference(aTransposed, bTransposed, m, n, k, data.a, data.b, expected, true);
  const actual = multiply(engine, product, data);
  expectClose(actual, spread(expected, n, gap), TOLERANCE, JSON.stringify(product));
}

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  for (const transpose of transposes) {
    const name = `a${transpose.aTransposed ? "ᵀ" : ""}·b${transpose.bTransposed ? "ᵀ" : ""}`;
    for (const [form, options] of [
      ["alone", {}],
      ["accumulated, strides larger than rows", { accumulate: true, gap: 3 }],
      ["with bias, strides larger than rows", { bias: true, gap: 5 }],
    ] as const) {
      it(`${name} agrees with the reference, ${form}`, () => {
        for (const m of sizes) {
          for (const n of sizes) for (const k of sizes) check(engine, { m, n, k, ...transpose, ...options });
        }
      });
    }

    it(`${name} agrees across the blocks of rows, columns and depth`, () => {
      for (const gap of [0, 1]) {
        check(engine, { m: 70, n: 17, k: 1000, ...transpose, gap });
        check(engine, { m: 5, n: 1100, k: 17, ...transpose, gap });
        check(engine, { m: 1, n: 1100, k: 1000, ...transpose, gap });
        check(engine, { m: 70, n: 1100, k: 513, ...transpose, gap, accumulate: true });
        check(engine, { m: 130, n: 513, k: 3, ...transpose, gap, bias: true });
      }
    });
  }

  it("gives the same bits with tiles of six rows", async () => {
    const other = await createEngine({ threads: 1 });
    other.tallTiles = !engine.tallTiles;
    for (let m = 1; m <= 70; m++) {
      for (const transpose of transposes) {
        const product = { m, n: 29, k: m % 2 === 0 ? 9 : 517, ...transpose, accumulate: m % 3 === 0, gap: 1 };
        const same = inputs(product);
        expectSameBits(
          multiply(other, product, same),
          multiply(engine, product, same),
          JSON.stringify(product),
        );
      }
    }
    other.close();
  });

  it("gives a row the same bits whatever rows are beside it", () => {
    for (const [n, k] of [
      [17, 5],
      [100, 64],
      [520, 600],
    ]) {
      const m = 64;
      const all = inputs({ m, n, k });
      for (const form of [{}, { accumulate: true }, { bias: true }]) {
        const whole = multiply(engine, { m, n, k, ...form }, all);
        for (const rows of [2, 3, 4, 5]) {
          for (const from of [0, 1, 7, m - rows]) {
            const some = {
              ...all,
              a: all.a.subarray(from * k, (from + rows) * k),
              c: all.c.subarray(from * n, (from + rows) * n),
            };
            const part = multiply(engine, { m: rows, n, k, ...form }, some);
            expectSameBits(part, whole.subarray(from * n, (from + rows) * n), `${rows} rows from ${from}`);
          }
        }
      }
    }
  });

  it("gives the same bits whatever order its parts run in", () => {
    const m = 130;
    const n = 1100;
    const k = 520;
    const data = inputs({ m, n, k });
    const inOrder = multiply(engine, { m, n, k, bTransposed: true, bias: true }, data);
    const reversed = engine.infer(() => {
      const target = place(engine, m * n);
      const b = place(engine, data.b).pointer;
      const packed = place(engine, packedBytes(k, n) / 4).pointer;
      runReversed(3, (part, count) => engine.kernels.packPanels(packed, b, k, 1, k, n, part, count));
      const args = engine.args(GemmArgs, {
        m,
        n,
        k,
        a: place(engine, data.a).pointer,
        aStride: k,
        aTransposed: 0,
        packed,
        c: target.pointer,
        cStride: n,
        accumulate: 0,
        bias: place(engine, data.bias).pointer,
        scratch: place(engine, engine.kernels.gemmScratchBytes() / 4).pointer,
        tall: Number(engine.tallTiles),
      });
      const parts = engine.kernels.gemmParts(m, n);
      expect(parts).toBe(9);
      runReversed(parts, (part, count) => engine.kernels.gemmMultiply(args, part, count));
      return target.read();
    });
    expectSameBits(reversed, inOrder);
  });

  it("gives a vector times panels the bits of a matmul's row, in any parts", () => {
    for (const n of [1, 3, 8, 17, 64, 100, 150]) {
      for (const k of [1, 5, 64, 600]) {
        const data = inputs({ m: 3, n, k });
        const rows = multiply(engine, { m: 3, n, k, bTransposed: true, bias: true }, data);
        for (const parts of [1, 3]) {
          const y = engine.infer(() => {
            const b = place(engine, data.b).pointer;
            const packed = place(engine, packedBytes(k, n) / 4).pointer;
            engine.kernels.packPanels(packed, b, k, 1, k, n, 0, 1);
            const y = place(engine, n);
            const x = place(engine, data.a.subarray(0, k)).pointer;
            const bias = place(engine, data.bias).pointer;
            const matrix = { n, k, x, b: 0, bStride: 0, bTransposed: 0, packed };
            const args = engine.args(GemvArgs, { ...matrix, y: y.pointer, accumulate: 0, bias });
            runReversed(parts, (part) => engine.kernels.gemv(args, part, parts));
            return y.read();
          });
          expectSameBits(y, rows.subarray(0, n), `${n}×${k} in ${parts} parts`);
        }
      }
    }
  });

  it("gives a matrix-vector product the same bits in any parts", () => {
    const n = 100;
    const k = 17;
    const data = inputs({ m: 1, n, k });
    for (const bTransposed of [0, 1]) {
      const [whole, split] = [1, 3].map((parts) =>
        engine.infer(() => {
          const y = place(engine, n);
          const args = engine.args(GemvArgs, {
            n,
            k,
            x: place(engine, data.a).pointer,
            b: place(engine, data.b).pointer,
            bStride: bTransposed ? k : n,
            bTransposed,
            y: y.pointer,
            accumulate: 0,
            bias: place(engine, data.bias).pointer,
            packed: 0,
          });
          runReversed(parts, (part) => engine.kernels.gemv(args, part, parts));
          return y.read();
        }),
      );
      expectSameBits(split, whole);
    }
  });
});
