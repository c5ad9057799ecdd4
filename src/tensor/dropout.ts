import { ConfigError } from "../errors.ts";
import { checkType } from "./check.ts";
import { draw } from "./draw.ts";
import { binary, multiplyAdd } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/** @throws ConfigError unless p is in [0, 1). */
export function checkProbability(name: string, p: number): void {
  if (!(p >= 0 && p < 1)) throw new ConfigError(`${name} must be from 0 up to (not including) 1, got ${p}`);
}

/**
 * Inverted dropout (Srivastava et al. 2014): each element is zeroed with probability p, the others are multiplied by
 * 1/(1 − p). Draws from the engine's random stream. Only for training: modules skip it in eval mode.
 */
export function dropout(x: Tensor, p: number): Tensor {
  checkProbability("dropout", p);
  checkType("dropout", x, "f32");
  if (p === 0) return x;
  const { engine } = x;
  const source = engine.use(x);
  const mask = engine.empty(x.shape, "f32", "mask").pointer;
  const y = engine.empty(x.shape, "f32", "dropout");
  draw(engine, "dropoutMask", mask, x.size, p, 1 / (1 - p));
  binary(engine, "mul", source, mask, x.size, y.pointer, 1, x.size);
  record([y], [x], () => {
    multiplyAdd(engine, y.gradient.pointer, mask, x.size, x.gradient.pointer, 1, x.size);
  });
  return y;
}
