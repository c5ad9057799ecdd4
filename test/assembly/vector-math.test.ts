import { beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { UNARY } from "../../src/engine/kernels.ts";
import { expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place } from "../helpers/place.ts";

type Name = "exp" | "log" | "tanh" | "sigmoid";

const MAX_ULP = 4;
/** Every 997th of all bit patterns, 2²⁰ at a time. */
const STRIDE = 997;
const CHUNK = 2 ** 20;
const exact: Record<Name, (x: number) => number> = {
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};
const names = Object.keys(exact) as Name[];

function apply(engine: Engine, name: keyof typeof UNARY, x: Float32Array): Float32Array {
  return engine.infer(() => {
    const input = place(engine, x);
    const y = place(engine, x.length);
    engine.kernels.unary(UNARY[name], input.pointer, y.pointer, x.length, 0, 1);
    return y.read();
  });
}

function* sweep(): Generator<Float32Array> {
  for (let from = 0; from < 2 ** 32; from += CHUNK * STRIDE) {
    const count = Math.min(CHUNK, Math.ceil((2 ** 32 - from) / STRIDE));
    const bits = Uint32Array.from({ length: count }, (_, i) => from + i * STRIDE);
    yield new Float32Array(bits.buffer);
  }
}

/** The unit in the last place of normal f32 numbers, by biased exponent. */
const ULP = Float64Array.from({ length: 255 }, (_, exponent) => 2 ** (exponent - 127 - 23));

/** The largest error in ulp where the exact result rounds to a normal number; the others' kind is checked. */
function worstError(name: Name, x: Float32Array, y: Float32Array): { ulp: number; at: number } {
  const rounded = Float32Array.from(x, exact[name]);
  const bits = new Uint32Array(rounded.buffer);
  const worst = { ulp: 0, at: 0 };
  for (let i = 0; i < x.length; i++) {
    const exponent = (bits[i] >>> 23) & 255;
    let ulp: number;
    if (exponent === 255) ulp = Object.is(y[i], rounded[i]) ? 0 : Number.POSITIVE_INFINITY;
    else if (exponent === 0) ulp = Math.abs(y[i]) <= 2 ** -126 ? 0 : Number.POSITIVE_INFINITY;
    else ulp = Math.abs(y[i] - exact[name](x[i])) / ULP[exponent];
    if (ulp <= worst.ulp) continue;
    worst.ulp = Number.isNaN(ulp) ? Number.POSITIVE_INFINITY : ulp;
    worst.at = x[i];
    if (worst.ulp === Number.POSITIVE_INFINITY) break;
  }
  return worst;
}

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  for (const name of names) {
    describe(name, () => {
      it(`is within ${MAX_ULP} ulp over all floats`, () => {
        for (const x of sweep()) {
          const { ulp, at } = worstError(name, x, apply(engine, name, x));
          if (ulp > MAX_ULP) expect.fail(`${name}(${at}) is ${ulp} ulp away from ${exact[name](at)}`);
        }
      });

      it("gives an element the same bits in a tail as in a full vector", () => {
        const x = Float32Array.of(-1.5, 0.3, 2.75, -0.01);
        const full = apply(engine, name, x);
        for (const count of [1, 2, 3]) {
          expectSameBits(apply(engine, name, x.subarray(0, count)), full.subarray(0, count));
          const behind = apply(engine, name, Float32Array.of(...x, ...x.subarray(0, count)));
          expectSameBits(behind, Float32Array.of(...full, ...full.subarray(0, count)));
        }
      });

      it("gives the same bits in any parts", () => {
        const x = Float32Array.from({ length: 40001 }, (_, i) => (i - 20000) / 1000);
        const split = engine.infer(() => {
          const input = place(engine, x);
          const y = place(engine, x.length);
          for (const part of [2, 1, 0]) {
            engine.kernels.unary(UNARY[name], input.pointer, y.pointer, x.length, part, 3);
          }
          return y.read();
        });
        expectSameBits(split, apply(engine, name, x));
      });
    });
  }

  it.each([
    ["exp", Number.NEGATIVE_INFINITY, 0],
    ["exp", Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ["exp", 0, 1],
    ["exp", -0, 1],
    ["exp", 88.8, Number.POSITIVE_INFINITY],
    ["exp", -104, 0],
    ["exp", Number.NaN, Number.NaN],
    ["log", 0, Number.NEGATIVE_INFINITY],
    ["log", -0, Number.NEGATIVE_INFINITY],
    ["log", 1, 0],
    ["log", -(2 ** -149), Number.NaN],
    ["log", -1, Number.NaN],
    ["log", Number.NEGATIVE_INFINITY, Number.NaN],
    ["log", Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ["log", Number.NaN, Number.NaN],
    ["tanh", 0, 0],
    ["tanh", -0, -0],
    ["tanh", Number.POSITIVE_INFINITY, 1],
    ["tanh", Number.NEGATIVE_INFINITY, -1],
    ["tanh", Number.NaN, Number.NaN],
    ["sigmoid", 0, 0.5],
    ["sigmoid", -0, 0.5],
    ["sigmoid", Number.POSITIVE_INFINITY, 1],
    ["sigmoid", Number.NEGATIVE_INFINITY, 0],
    ["sigmoid", Number.NaN, Number.NaN],
    ["relu", -0.5, 0],
    ["relu", Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ["relu", Number.NEGATIVE_INFINITY, 0],
    ["relu", Number.NaN, Number.NaN],
  ] as const)("%s(%d) is %d, in every lane", (name, x, expected) => {
    expect([...apply(engine, name, new Float32Array(7).fill(x))]).toEqual(new Array(7).fill(expected));
  });

  it("tanh is odd bit for bit and never past ±1, sigmoid never outside [0, 1]", () => {
    for (const x of sweep()) {
      const negated = new Uint32Array(x.buffer).map((bits) => (bits ^ 0x80000000) >>> 0);
      const y = apply(engine, "tanh", x);
      const mirrored = apply(engine, "tanh", new Float32Array(negated.buffer));
      const bits = new Uint32Array(y.buffer);
      const mirroredBits = new Uint32Array(mirrored.buffer);
      const s = apply(engine, "sigmoid", x);
      for (let i = 0; i < x.length; i++) {
        if (Number.isNaN(x[i])) continue;
        const odd = (bits[i] ^ 0x80000000) >>> 0 === mirroredBits[i];
        if (!odd) expect.fail(`tanh(${x[i]}) is ${y[i]}, tanh(${-x[i]}) is ${mirrored[i]}`);
        if (!(Math.abs(y[i]) <= 1)) expect.fail(`tanh(${x[i]}) is ${y[i]}`);
        if (!(s[i] >= 0 && s[i] <= 1)) expect.fail(`sigmoid(${x[i]}) is ${s[i]}`);
      }
    }
  });
});
