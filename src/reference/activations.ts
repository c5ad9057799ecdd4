/** Elementwise functions over arrays, and their derivatives expressed through the saved output. */

/** The logistic function of one number. exp overflows to Infinity for very negative x, which gives the right 0. */
export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function exp(out: Float32Array, input: Float32Array): void {
  for (let i = 0; i < input.length; i++) out[i] = Math.exp(input[i]);
}

export function log(out: Float32Array, input: Float32Array): void {
  for (let i = 0; i < input.length; i++) out[i] = Math.log(input[i]);
}

export function tanh(out: Float32Array, input: Float32Array): void {
  for (let i = 0; i < input.length; i++) out[i] = Math.tanh(input[i]);
}

export function sigmoid(out: Float32Array, input: Float32Array): void {
  for (let i = 0; i < input.length; i++) out[i] = logistic(input[i]);
}

/** max(0, x); NaN stays NaN. */
export function relu(out: Float32Array, input: Float32Array): void {
  for (let i = 0; i < input.length; i++) out[i] = Math.max(0, input[i]);
}

/** dInput = dOutput · (1 − output²), output being tanh's. */
export function tanhBackward(dInput: Float32Array, output: Float32Array, dOutput: Float32Array): void {
  for (let i = 0; i < output.length; i++) dInput[i] = dOutput[i] * (1 - output[i] * output[i]);
}

/** dInput = dOutput · output · (1 − output), output being the sigmoid's. */
export function sigmoidBackward(dInput: Float32Array, output: Float32Array, dOutput: Float32Array): void {
  for (let i = 0; i < output.length; i++) dInput[i] = dOutput[i] * output[i] * (1 - output[i]);
}

/** dInput = dOutput where the output is positive, else 0: the derivative at 0 is 0, as in PyTorch. */
export function reluBackward(dInput: Float32Array, output: Float32Array, dOutput: Float32Array): void {
  for (let i = 0; i < output.length; i++) dInput[i] = output[i] > 0 ? dOutput[i] : 0;
}
