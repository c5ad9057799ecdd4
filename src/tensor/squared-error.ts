import { ShapeError } from "../errors.ts";
import { add, mul, scale } from "./elementwise.ts";
import { mean } from "./reduce.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The mean of (x − target)² over all elements, a scalar of shape [1].
 * @throws ShapeError if the shapes differ: a row is not spread over a matrix here.
 */
export function meanSquaredError(x: Tensor, target: Tensor): Tensor {
  if (x.shape.join() !== target.shape.join()) {
    throw new ShapeError(`meanSquaredError: expected a target of the shape of ${x}, got ${target}`);
  }
  const difference = add(x, scale(target, -1));
  return mean(mul(difference, difference));
}
