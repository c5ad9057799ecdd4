import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { OptimizerArgs } from "../../src/engine/layouts.ts";
import { adam, adamw, createAdamState, rmsprop, sgd } from "../../src/reference/optimizers.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { place, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";

const sizes = [1, 3, 5, 8, 17, 64, 100];
const STEPS = 5;
const TOLERANCE = 1e-6;
const scale = 0.5;
/** What the kernel gets: the options rounded to f32, so that the reference can start from the same. */
const rounded = {
  learningRate: Math.fround(0.01),
  beta1: Math.fround(0.9),
  beta2: Math.fround(0.999),
  epsilon: Math.fround(1e-8),
};
const unused = { first: 0, second: 0, decoupled: 0, momentum: 0, weightDecay: 0 };

const gradientOf = (size: number, step: number) => random(size, 10 + step);
/** What the kernel makes of a gradient: exact, since the scale is a power of two. */
const scaled = (gradient: Float32Array) => gradient.map((value) => scale * value);

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  interface Update {
    /** Whether the first and the second state array exist. */
    states: 0 | 1 | 2;
    decoupled?: number;
    momentum?: number;
    weightDecay?: number;
    parts?: number;
    kernel?: "sgdStep" | "rmspropStep" | "adamStep";
  }

  /** The parameter and the state arrays after `STEPS` updates. */
  function update(size: number, options: Update): Float32Array[] {
    const { states, parts = 1, kernel = states > 1 ? "adamStep" : "sgdStep", ...values } = options;
    const { kernels } = engine;
    return engine.infer(() => {
      const parameter = place(engine, random(size, 1));
      const first = states > 0 ? place(engine, new Float32Array(size)) : undefined;
      const second = states > 1 ? place(engine, new Float32Array(size)) : undefined;
      for (let step = 1; step <= STEPS; step++) {
        const args = engine.args(OptimizerArgs, {
          ...unused,
          ...rounded,
          ...values,
          parameter: parameter.pointer,
          gradient: place(engine, gradientOf(size, step)).pointer,
          first: first?.pointer ?? 0,
          second: second?.pointer ?? 0,
          count: size,
          step,
          scale,
        });
        runReversed(parts, (part) => kernels[kernel](args, part, parts));
      }
      return [parameter, first, second].flatMap((array) => (array ? [array.read()] : []));
    });
  }

  it.each([
    { momentum: 0, weightDecay: 0 },
    { momentum: 0, weightDecay: 0.125 },
    { momentum: 0.875, weightDecay: 0 },
    { momentum: 0.875, weightDecay: 0.125 },
  ])("sgd agrees with the reference: %o", (options) => {
    for (const size of sizes) {
      const parameter = random(size, 1);
      const buffer = new Float32Array(size);
      for (let step = 1; step <= STEPS; step++) {
        const { learningRate } = rounded;
        sgd(parameter, scaled(gradientOf(size, step)), buffer, { learningRate, ...options });
      }
      const [actual, velocity] = update(size, { states: options.momentum ? 1 : 0, ...options });
      expectClose(actual, parameter, TOLERANCE, `parameter of ${size}`);
      if (velocity) expectClose(velocity, buffer, TOLERANCE, `velocity of ${size}`);
    }
  });

  it.each([
    { name: "adam", decoupled: 0, weightDecay: 0 },
    { name: "adam", decoupled: 0, weightDecay: 0.125 },
    { name: "adamw", decoupled: 1, weightDecay: 0 },
    { name: "adamw", decoupled: 1, weightDecay: 0.125 },
  ])("$name agrees with the reference: weight decay $weightDecay", ({ decoupled, weightDecay }) => {
    for (const size of sizes) {
      const parameter = random(size, 1);
      const state = createAdamState(size);
      for (let step = 1; step <= STEPS; step++) {
        const reference = decoupled ? adamw : adam;
        reference(parameter, scaled(gradientOf(size, step)), state, { ...rounded, weightDecay });
      }
      const [actual, mean, variance] = update(size, { states: 2, decoupled, weightDecay });
      expectClose(actual, parameter, TOLERANCE, `parameter of ${size}`);
      expectClose(mean, state.mean, TOLERANCE, `mean of ${size}`);
      expectClose(variance, state.variance, TOLERANCE, `variance of ${size}`);
    }
  });

  it.each([
    { momentum: 0, weightDecay: 0 },
    { momentum: 0, weightDecay: 0.125 },
    { momentum: 0.875, weightDecay: 0 },
    { momentum: 0.875, weightDecay: 0.125 },
  ])("rmsprop agrees with the reference: %o", (options) => {
    for (const size of sizes) {
      const parameter = random(size, 1);
      const average = new Float32Array(size);
      const buffer = new Float32Array(size);
      for (let step = 1; step <= STEPS; step++) {
        const { learningRate, beta2: alpha, epsilon } = rounded;
        const settings = { learningRate, alpha, epsilon, ...options };
        rmsprop(parameter, scaled(gradientOf(size, step)), average, buffer, settings);
      }
      const actual = update(size, { states: 2, kernel: "rmspropStep", ...options });
      expectClose(actual[0], parameter, TOLERANCE, `parameter of ${size}`);
      if (options.momentum) expectClose(actual[1], buffer, TOLERANCE, `buffer of ${size}`);
      expectClose(actual[2], average, TOLERANCE, `average of ${size}`);
    }
  });

  it("gives the same bits in any parts", () => {
    for (const [states, kernel] of [
      [0, "sgdStep"],
      [1, "sgdStep"],
      [2, "rmspropStep"],
      [2, "adamStep"],
    ] as const) {
      const options = { states, kernel, momentum: 0.9, weightDecay: 0.01 };
      const whole = update(40001, options);
      const split = update(40001, { ...options, parts: 3 });
      for (const [i, array] of whole.entries()) expectSameBits(split[i], array);
    }
  });

  it.each(sizes)("clamps %i numbers", (size) => {
    const x = random(size, 1, 3);
    const clamped = engine.infer(() => {
      const array = place(engine, x);
      engine.kernels.clamp(array.pointer, 1.5, size, 0, 1);
      return array.read();
    });
    expectSameBits(
      clamped,
      x.map((value) => Math.max(-1.5, Math.min(1.5, value))),
    );
  });

  it("clamps infinities and keeps NaN", () => {
    // Three vectors, of which two are a pair, and one element more.
    const values = [
      Number.NaN,
      Infinity,
      -Infinity,
      1,
      3,
      Number.NaN,
      -3,
      0,
      Number.NaN,
      5,
      -5,
      1,
      Number.NaN,
    ];
    const clamped = engine.infer(() => {
      const array = place(engine, Float32Array.from(values));
      engine.kernels.clamp(array.pointer, 2, values.length, 0, 1);
      return [...array.read()];
    });
    expect(clamped).toEqual(values.map((value) => Math.max(-2, Math.min(2, value))));
  });
});
