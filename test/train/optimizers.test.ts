/** What optimizers touch and what they leave alone; their arithmetic is compared with PyTorch's in curves.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AdamW,
  ConfigError,
  clipByValue,
  createEngine,
  type Engine,
  EngineError,
  gradientNorm,
  type Optimizer,
  Parameter,
  RMSProp,
  SGD,
} from "../../src/index.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", threads: 1 });
});
afterAll(() => engine.close());

const OPTIMIZERS: Record<string, (parameters: Parameter[]) => Optimizer> = {
  SGD: (parameters) => new SGD(parameters, { learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 }),
  RMSProp: (parameters) => new RMSProp(parameters, { learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 }),
  AdamW: (parameters) => new AdamW(parameters, { learningRate: 0.1 }),
};

function parameterOf(values: number[]): Parameter {
  const parameter = new Parameter(engine, [values.length]);
  parameter.set(values);
  parameter.gradient.set(values.map(() => 1));
  return parameter;
}

describe.each(Object.entries(OPTIMIZERS))("%s", (_, make) => {
  it("leaves a parameter alone that requires no gradient, decay included", () => {
    const [frozen, free] = [parameterOf([1, 2]), parameterOf([1, 2])];
    frozen.requiresGrad = false;
    const optimizer = make([frozen, free]);
    for (let i = 0; i < 3; i++) optimizer.step();
    expect([...frozen.toArray()]).toEqual([1, 2]);
    expect([...free.toArray()]).not.toEqual([1, 2]);
    optimizer.free();
    frozen.free();
    free.free();
  });

  it("never writes where freed memory was", () => {
    const gone = parameterOf([1, 2, 3]);
    const optimizer = make([gone]);
    gone.free();
    const others = [parameterOf([4, 5, 6]), parameterOf([7, 8, 9])];
    expect(() => optimizer.step()).toThrow(EngineError);
    expect(() => gone.zeroGradient()).toThrow(EngineError);
    expect(() => gradientNorm([gone])).toThrow(EngineError);
    expect(() => clipByValue([gone], 1)).toThrow(EngineError);

    const parameter = parameterOf([1, 2, 3]);
    const ended = make([parameter]);
    ended.free();
    const more = [parameterOf([1, 1, 1]), parameterOf([1, 1, 1])];
    expect(() => ended.step()).toThrow(EngineError);
    expect([...others, ...more].map((one) => [...one.toArray()])).toEqual([
      [4, 5, 6],
      [7, 8, 9],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    optimizer.free();
    for (const one of [parameter, ...others, ...more]) one.free();
  });
});

it("AdamW decays by 0.01 unless told otherwise", () => {
  const decays = [{}, { weightDecay: undefined }, { weightDecay: 0.01 }].map((options) => {
    const parameter = parameterOf([1, 2]);
    parameter.gradient.set([0, 0]);
    const optimizer = new AdamW([parameter], { learningRate: 0.1, ...options });
    optimizer.step();
    const values = [...parameter.toArray()];
    optimizer.free();
    parameter.free();
    return values;
  });
  expect(decays[0]).toEqual([Math.fround(0.999), Math.fround(1.998)]);
  expect(decays).toEqual([decays[0], decays[0], decays[0]]);
});

it("clipByValue wants a limit above 0", () => {
  for (const limit of [0, -1, Number.NaN]) expect(() => clipByValue([], limit)).toThrow(ConfigError);
});
