// What the host may call, and nothing else.

export { gemmMultiply, gemmParts, gemmScratchBytes } from "./matmul/gemm";
export { gemv } from "./matmul/gemv";
export { packPanels } from "./matmul/pack";
// Exported so that it stays a function of its own: see its first lines.
export { tileFour } from "./matmul/tile";
export { rnnBackward, rnnForward } from "./cells/rnn";
export { lstmBackward, lstmForward } from "./cells/lstm";
export { gruBackward, gruForward } from "./cells/gru";
export { accumulate, binary, clamp, derive, fill, multiplyAdd, unary } from "./elementwise";
export { embeddingBackward } from "./embedding";
export { layerNormBackward, layerNormBackwardWeight, layerNormForward } from "./norm";
export { adamStep, rmspropStep, sgdStep } from "./optimizers";
export { dropoutMask, philox, randomNormal, randomUniform } from "./random";
export { addUp, columnSums, sum, sumOfSquares } from "./reduce";
export { moveRows } from "./rows";
// The learning rate's schedule needs it.
export { cosine } from "./scalar-math";
export { crossEntropyBackward, crossEntropyForward, softmaxBackward, softmaxForward } from "./softmax";
export { madds, wideMadds } from "./peak";
