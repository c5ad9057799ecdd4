/** One update of one parameter, by PyTorch's formulas. State arrays start as zeros and are updated in place. */

export interface SgdOptions {
  learningRate: number;
  momentum?: number;
  /** Added to the gradient as weightDecay · parameter. */
  weightDecay?: number;
}

export interface AdamOptions {
  learningRate: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  weightDecay?: number;
}

export interface RmspropOptions extends SgdOptions {
  alpha?: number;
  epsilon?: number;
}

export interface AdamState {
  /** The running mean of gradients. */
  mean: Float32Array;
  /** The running mean of squared gradients. */
  variance: Float32Array;
  /** How many updates were made. */
  step: number;
}

export function createAdamState(size: number): AdamState {
  return { mean: new Float32Array(size), variance: new Float32Array(size), step: 0 };
}

/** buffer = momentum · buffer + g; parameter −= learningRate · buffer. `buffer` is unused without momentum. */
export function sgd(
  parameter: Float32Array,
  gradient: Float32Array,
  buffer: Float32Array,
  { learningRate, momentum = 0, weightDecay = 0 }: SgdOptions,
): void {
  for (let i = 0; i < parameter.length; i++) {
    let update = gradient[i] + weightDecay * parameter[i];
    if (momentum !== 0) {
      update += momentum * buffer[i];
      buffer[i] = update;
    }
    parameter[i] -= learningRate * update;
  }
}

/** average = α · average + (1 − α)g²; then as SGD with g/(√average + ε) for g. `buffer` is unused without momentum. */
export function rmsprop(
  parameter: Float32Array,
  gradient: Float32Array,
  average: Float32Array,
  buffer: Float32Array,
  { learningRate, alpha = 0.99, epsilon = 1e-8, momentum = 0, weightDecay = 0 }: RmspropOptions,
): void {
  for (let i = 0; i < parameter.length; i++) {
    const g = gradient[i] + weightDecay * parameter[i];
    average[i] = alpha * average[i] + (1 - alpha) * g * g;
    let update = g / (Math.sqrt(average[i]) + epsilon);
    if (momentum !== 0) {
      update += momentum * buffer[i];
      buffer[i] = update;
    }
    parameter[i] -= learningRate * update;
  }
}

/** Adam (Kingma & Ba 2015). Weight decay is added to the gradient. */
export function adam(
  parameter: Float32Array,
  gradient: Float32Array,
  state: AdamState,
  options: AdamOptions,
): void {
  adamUpdate(parameter, gradient, state, options, options.weightDecay ?? 0, 1);
}

/** AdamW (Loshchilov & Hutter 2019). Weight decay shrinks the parameter itself, by learningRate · weightDecay. */
export function adamw(
  parameter: Float32Array,
  gradient: Float32Array,
  state: AdamState,
  options: AdamOptions,
): void {
  adamUpdate(
    parameter,
    gradient,
    state,
    options,
    0,
    1 - options.learningRate * (options.weightDecay ?? 0.01),
  );
}

function adamUpdate(
  parameter: Float32Array,
  gradient: Float32Array,
  state: AdamState,
  { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
  decay: number,
  shrink: number,
): void {
  const { mean, variance } = state;
  state.step++;
  const rate = learningRate / (1 - beta1 ** state.step);
  const correction = Math.sqrt(1 - beta2 ** state.step);
  for (let i = 0; i < parameter.length; i++) {
    const value = parameter[i] * shrink;
    const g = gradient[i] + decay * value;
    const m = beta1 * mean[i] + (1 - beta1) * g;
    const v = beta2 * variance[i] + (1 - beta2) * g * g;
    mean[i] = m;
    variance[i] = v;
    parameter[i] = value - (rate * m) / (Math.sqrt(v) / correction + epsilon);
  }
}
