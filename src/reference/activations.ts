/** Elementwise functions over arrays. */

/** The logistic function of one number. exp overflows to Infinity for very negative x, which gives the right 0. */
export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function tanh(out: Float32Array, input: Float32Array): void {
  for (let i = 0; i < input.length; i++) out[i] = Math.tanh(input[i]);
}

export function sigmoid(out: Float32Array, input: Float32Array): void {
  for (let i = 0; i < input.length; i++) out[i] = logistic(input[i]);
}
