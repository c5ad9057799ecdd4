import { diagnoseLoss, type Engine, normal, Parameter, RNN, spectralRadius, sum } from "unrolled";

export interface RadiusResult {
  /** What W_hh was scaled to, and what it then measures. */
  radius: number;
  measured: number;
  /** Norm of dL/dh by distance from the loss. */
  gradient: number[];
}

const UNITS = 100;
const BATCH_SIZE = 16;
/** Small, so that the states are the network's own doing. */
const INPUT_DEVIATION = 0.1;

/** A network with tanh with W_hh of normal numbers, scaled to a spectral radius; L is the sum of the last states. */
export function measureRadius(engine: Engine, radius: number, steps: number): RadiusResult {
  const layer = new RNN(engine, { inputSize: 1, hiddenSize: UNITS, bias: false });
  const [weightHh] = parametersOf(layer, "weight_hh");
  scaleTo(weightHh, radius);
  const x = new Parameter(engine, [steps, BATCH_SIZE, 1]);
  normal(x, 0, INPUT_DEVIATION);
  const { layers } = diagnoseLoss(engine, layer, () => sum(layer.forward(x).state.h));
  x.free();
  layer.free();
  const [{ hiddenGradient, spectralRadius }] = layers;
  return { radius, measured: spectralRadius.h, gradient: hiddenGradient };
}

/** Fills a square matrix with normal numbers and scales it to a spectral radius. */
export function scaleTo(weights: Parameter, radius: number): void {
  normal(weights, 0, 1);
  const values = weights.toArray();
  const factor = radius / spectralRadius(values, weights.shape[0]);
  weights.set(values.map((value) => value * factor));
}

export function parametersOf(layer: RNN, prefix: string): Parameter[] {
  return [...layer.namedParameters()].flatMap(([name, parameter]) =>
    name.startsWith(prefix) ? [parameter] : [],
  );
}
