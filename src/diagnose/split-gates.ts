import type { Tensor } from "../tensor/tensor.ts";

/** A layer's gates, [N, G·H] as the kernels leave them, each by itself: G times [N, H], N tokens. */
export function splitGates(gates: Tensor, hiddenSize: number): Float32Array[] {
  const values = gates.toArray();
  const [tokens, width] = gates.shape;
  return Array.from({ length: width / hiddenSize }, (_, gate) => {
    const one = new Float32Array(tokens * hiddenSize);
    for (let token = 0; token < tokens; token++) {
      const at = token * width + gate * hiddenSize;
      one.set(values.subarray(at, at + hiddenSize), token * hiddenSize);
    }
    return one;
  });
}
