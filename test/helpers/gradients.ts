import { expect } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { add, mul, sum } from "../../src/tensor/ops.ts";
import { sizeOf, type Tensor } from "../../src/tensor/tensor.ts";
import { expectClose } from "./close.ts";
import { random } from "./random.ts";

/** What goes in: random numbers of a shape, unless `data` says which. */
export interface Input {
  shape: readonly number[];
  data?: Float32Array;
}

export interface GradientCheck<Name extends string> {
  inputs: Record<Name, Input>;
  forward: (tensors: Record<Name, Tensor>, engine: Engine) => Tensor[];
  /** Half the distance of the two points of a difference. */
  epsilon?: number;
  /** Of the difference to the numeric gradient, relative to its largest element. */
  tolerance?: number;
}

/**
 * Compares the tape's gradient of a random linear functional of all outputs with central differences, for every
 * element of every input. Then checks that an input's gradient has the same bits when no other input wants one.
 */
export function checkGradients<Name extends string>(engine: Engine, check: GradientCheck<Name>): void {
  const { inputs, forward, epsilon = 1e-2, tolerance = 5e-3 } = check;
  const names = Object.keys(inputs) as Name[];
  const data = {} as Record<Name, Float32Array>;
  for (const [i, name] of names.entries()) {
    data[name] = inputs[name].data ?? random(sizeOf(inputs[name].shape), i + 1);
  }
  const run = (wanted: readonly Name[]): { tensors: Record<Name, Tensor>; outputs: Tensor[] } => {
    const tensors = {} as Record<Name, Tensor>;
    for (const name of names) {
      tensors[name] = engine.tensor(data[name], inputs[name].shape);
      tensors[name].requiresGrad = wanted.includes(name);
    }
    return { tensors, outputs: forward(tensors, engine) };
  };
  const functional = (output: Tensor, i: number): Float32Array => random(output.size, 100 + i);

  const value = (): number =>
    engine.infer(() => {
      let total = 0;
      for (const [i, output] of run([]).outputs.entries()) {
        const weights = functional(output, i);
        for (const [j, y] of output.toArray().entries()) total += weights[j] * y;
      }
      return total;
    });
  const gradients = (wanted: readonly Name[]): Float32Array[] =>
    engine.step(() => {
      const { tensors, outputs } = run(wanted);
      const terms = outputs.map((y, i) => sum(mul(y, engine.tensor(functional(y, i), y.shape))));
      terms.reduce(add).backward();
      for (const name of names) {
        expect(tensors[name].hasGradient, `${name} has a gradient`).toBe(wanted.includes(name));
      }
      return wanted.map((name) => tensors[name].gradient.toArray() as Float32Array);
    });

  const together = gradients(names);
  for (const [i, name] of names.entries()) {
    expectClose(together[i], differences(data[name], epsilon, value), tolerance, name);
    if (names.length > 1) expect(gradients([name])[0], `${name} alone`).toEqual(together[i]);
  }
}

/** Central differences of `value`, moving `data` in place. */
function differences(data: Float32Array, epsilon: number, value: () => number): Float64Array {
  return Float64Array.from(data, (x, i) => {
    data[i] = x + epsilon;
    const above = data[i];
    const valueAbove = value();
    data[i] = x - epsilon;
    const slope = (valueAbove - value()) / (above - data[i]);
    data[i] = x;
    return slope;
  });
}
