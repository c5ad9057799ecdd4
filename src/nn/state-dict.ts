import { FormatError } from "../errors.ts";
import { type SafeTensor, toFloat32 } from "../formats/safetensors.ts";
import type { Module } from "./module.ts";

/** Copies of all parameters under PyTorch's names, ready for a safetensors file. */
export function stateDict(module: Module): Map<string, SafeTensor> {
  const tensors = new Map<string, SafeTensor>();
  for (const [name, parameter] of module.namedParameters()) {
    tensors.set(name, { dtype: "F32", shape: parameter.shape, data: parameter.toArray() as Float32Array });
  }
  return tensors;
}

/**
 * Overwrites all parameters. Tensors under other names are left alone: a checkpoint holds more than weights.
 * @throws FormatError naming every parameter that is missing or of another shape; nothing is changed then.
 */
export function loadStateDict(module: Module, tensors: ReadonlyMap<string, SafeTensor>): void {
  const problems: string[] = [];
  const found = Array.from(module.namedParameters(), ([name, parameter]) => {
    const tensor = tensors.get(name);
    if (!tensor) problems.push(`${name} is missing`);
    else if (tensor.shape.join() !== parameter.shape.join()) {
      problems.push(`${name} has the shape [${tensor.shape}], expected [${parameter.shape}]`);
    }
    return { parameter, tensor };
  });
  if (problems.length > 0) throw new FormatError(`weights do not fit the model: ${problems.join("; ")}`);
  const values = found.map(({ parameter, tensor }) => ({ parameter, data: toFloat32(tensor!) }));
  for (const { parameter, data } of values) parameter.set(data);
}
