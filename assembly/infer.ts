// The small build, which runs models and trains none: of the same kernels, those that read one text (src/generate).

export { gemv } from "./matmul/gemv";
export { rnnForward } from "./cells/rnn";
export { lstmForward } from "./cells/lstm";
export { gruForward } from "./cells/gru";
export { philox } from "./random";
export { softmaxForward } from "./softmax";
