/** Layer normalisation (Ba et al. 2016) over rows: y = w⊙(x − µ)/√(σ² + ε) + b, σ² the mean square of x − µ. */

export interface LayerNormOptions {
  rows: number;
  columns: number;
  epsilon: number;
  /** [rows, columns] */
  x: Float32Array;
  /** [columns] */
  weight?: Float32Array;
  bias?: Float32Array;
}

/** [rows, columns] */
export function layerNormForward({
  rows,
  columns,
  epsilon,
  x,
  weight,
  bias,
}: LayerNormOptions): Float32Array {
  const y = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const { normal } = normalise(x.subarray(r * columns, (r + 1) * columns), epsilon);
    for (let j = 0; j < columns; j++) {
      y[r * columns + j] = normal[j] * (weight?.[j] ?? 1) + (bias?.[j] ?? 0);
    }
  }
  return y;
}

export function layerNormBackward(
  { rows, columns, epsilon, x, weight }: LayerNormOptions,
  dy: Float32Array,
): { dx: Float32Array; dWeight: Float32Array; dBias: Float32Array } {
  const dx = new Float32Array(rows * columns);
  const dWeight = new Float32Array(columns);
  const dBias = new Float32Array(columns);
  for (let r = 0; r < rows; r++) {
    const { normal, scale } = normalise(x.subarray(r * columns, (r + 1) * columns), epsilon);
    let mean = 0;
    let slope = 0;
    for (let j = 0; j < columns; j++) {
      const d = dy[r * columns + j];
      const g = d * (weight?.[j] ?? 1);
      mean += g / columns;
      slope += (g * normal[j]) / columns;
      dWeight[j] += d * normal[j];
      dBias[j] += d;
    }
    for (let j = 0; j < columns; j++) {
      const g = dy[r * columns + j] * (weight?.[j] ?? 1);
      dx[r * columns + j] = scale * (g - mean - normal[j] * slope);
    }
  }
  return { dx, dWeight, dBias };
}

/** A row with mean 0 and mean square (nearly) 1, and what it was multiplied by for that. */
function normalise(row: Float32Array, epsilon: number): { normal: Float64Array; scale: number } {
  let mean = 0;
  for (const value of row) mean += value / row.length;
  let variance = 0;
  for (const value of row) variance += ((value - mean) * (value - mean)) / row.length;
  const scale = 1 / Math.sqrt(variance + epsilon);
  return { normal: Float64Array.from(row, (value) => (value - mean) * scale), scale };
}
