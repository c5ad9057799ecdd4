import { ConfigError } from "../errors.ts";
import { elementParts, total } from "../tensor/split.ts";
import type { Parameter } from "../tensor/tensor.ts";

/** The Euclidean norm of all gradients taken together; added up in f64. */
export function gradientNorm(parameters: readonly Parameter[]): number {
  let squares = 0;
  for (const { engine, gradient, size } of parameters) {
    squares += total(engine, "sumOfSquares", engine.use(gradient), size);
  }
  return Math.sqrt(squares);
}

/** What the gradients must be multiplied by so that their norm is at most `maxNorm` (Pascanu et al. 2013). */
export function clipScale(norm: number, maxNorm: number): number {
  return norm > maxNorm ? maxNorm / norm : 1;
}

/** Limits every element of every gradient to ±limit. @throws ConfigError unless the limit is above 0. */
export function clipByValue(parameters: readonly Parameter[], limit: number): void {
  if (!(limit > 0)) throw new ConfigError(`clipByValue: expected a limit above 0, got ${limit}`);
  for (const { engine, gradient, size } of parameters) {
    engine.run("clamp", elementParts(engine, size), engine.use(gradient), limit, size);
  }
}
