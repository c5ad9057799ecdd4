/** The differentiable operations, for modules of one's own. */
export { dropout } from "./dropout.ts";
export { add, exp, log, mul, relu, scale, sigmoid, tanh } from "./elementwise.ts";
export { embedding } from "./embedding.ts";
export { layerNorm } from "./layer-norm.ts";
export { linear, matmul } from "./matmul.ts";
export { mean, sum } from "./reduce.ts";
export { concat, reshape, slice } from "./shape.ts";
export { crossEntropy, softmax } from "./softmax.ts";
export { meanSquaredError } from "./squared-error.ts";
