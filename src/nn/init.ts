import { ShapeError } from "../errors.ts";
import { checkDimensions } from "../tensor/check.ts";
import { draw } from "../tensor/draw.ts";
import type { Parameter } from "../tensor/tensor.ts";

/** Fills with numbers from the engine's stream, uniform in [low, high). */
export function uniform(parameter: Parameter, low: number, high: number): void {
  draw(parameter.engine, "randomUniform", parameter.pointer, parameter.size, low, high);
  parameter.changed();
}

/** Fills with numbers from the engine's stream, normally distributed. */
export function normal(parameter: Parameter, mean: number, deviation: number): void {
  draw(parameter.engine, "randomNormal", parameter.pointer, parameter.size, mean, deviation);
  parameter.changed();
}

/**
 * Fills a matrix of `blocks` blocks of rows, one below the other, each with orthonormal columns, or orthonormal rows
 * where it has fewer rows than columns (Saxe et al. 2014): a random rotation, drawn from the engine's stream.
 * @throws ShapeError unless it is a matrix whose rows the blocks, one or more, divide.
 */
export function orthogonal(parameter: Parameter, blocks = 1): void {
  checkDimensions("orthogonal", parameter, ["rows", "columns"]);
  const [total, columns] = parameter.shape;
  const rows = total / blocks;
  if (!(Number.isInteger(blocks) && blocks > 0 && Number.isInteger(rows))) {
    throw new ShapeError(`orthogonal: expected ${parameter} to have a multiple of ${blocks} rows`);
  }
  normal(parameter, 0, 1);
  const values = parameter.toArray();
  for (let block = 0; block < blocks; block++) {
    const at = block * rows * columns;
    // The vectors to be made orthonormal: `count` of them, whose elements are `step` apart.
    const [count, size, next, step] =
      rows < columns ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
    const vectors = Array.from({ length: count }, (_, v) =>
      Float64Array.from({ length: size }, (_, i) => values[at + v * next + i * step]),
    );
    orthonormalise(vectors);
    for (const [v, vector] of vectors.entries()) {
      for (let i = 0; i < size; i++) values[at + v * next + i * step] = vector[i];
    }
  }
  parameter.set(values);
}

/** Gram-Schmidt, each vector projected twice: once leaves what rounding adds (Giraud et al. 2005). */
function orthonormalise(vectors: readonly Float64Array[]): void {
  const dot = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  };
  for (const [v, vector] of vectors.entries()) {
    for (let pass = 0; pass < 2; pass++) {
      for (let w = 0; w < v; w++) {
        const share = dot(vector, vectors[w]);
        for (let i = 0; i < vector.length; i++) vector[i] -= share * vectors[w][i];
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    for (let i = 0; i < vector.length; i++) vector[i] /= norm;
  }
}
