import { checkType } from "./check.ts";
import { scale } from "./elementwise.ts";
import { accumulate, total } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/** The sum of all elements, a scalar of shape [1]; added up in f64. */
export function sum(x: Tensor): Tensor {
  checkType("sum", x, "f32");
  const { engine } = x;
  const value = total(engine, "sum", engine.use(x), x.size);
  const y = engine.empty([1], "f32", "sum");
  y.set([value]);
  record([y], [x], () => {
    const ones = engine.empty(x.shape, "f32", "ones");
    engine.fill(ones.pointer, 1, x.size);
    accumulate(engine, x.gradient.pointer, ones.pointer, y.gradient.item(), x.size);
  });
  return y;
}

/** The mean of all elements, a scalar of shape [1]. */
export function mean(x: Tensor): Tensor {
  return scale(sum(x), 1 / x.size);
}
