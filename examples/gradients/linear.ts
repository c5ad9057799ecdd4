import { diagnoseLoss, type Engine, RNN, sum } from "unrolled";

export interface LinearResult {
  weight: number;
  /** |dL/dh| by distance from the loss; the last is dL/dh_0 = weight^steps. */
  gradient: number[];
}

/**
 * A network of one unit, h_t = relu(w·h_{t−1}): with a positive state relu does nothing, and what is left is linear. L
 * is the last state, so that each step back multiplies the gradient by w. No formula here: the layer's own backward
 * pass computes it.
 */
export function measureLinear(engine: Engine, weight: number, steps: number): LinearResult {
  const layer = new RNN(engine, { inputSize: 1, hiddenSize: 1, nonlinearity: "relu", bias: false });
  for (const [name, parameter] of layer.namedParameters()) {
    parameter.set([name.startsWith("weight_hh") ? weight : 0]);
  }
  const { layers } = diagnoseLoss(engine, layer, () => {
    const h = engine.tensor([1], [1, 1, 1]);
    return sum(layer.forward(engine.zeros([steps, 1, 1]), { h }).state.h);
  });
  layer.free();
  return { weight, gradient: layers[0].hiddenGradient };
}
