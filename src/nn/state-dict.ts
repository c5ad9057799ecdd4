import { FormatError } from "../errors.ts";
import { ITEM_SIZE, type SafeTensor, toFloat32 } from "../formats/safetensors.ts";
import type { Parameter } from "../tensor/tensor.ts";
import type { Module } from "./module.ts";

/** What weights may come as: anything that is an f32 when widened. */
const DTYPES: readonly string[] = ["F32", "F16", "BF16"];

/** Copies of all parameters under PyTorch's names and in its layouts, ready for a safetensors file. */
export function stateDict(module: Module): Map<string, SafeTensor> {
  const tensors = new Map<string, SafeTensor>();
  for (const [name, parameter] of module.namedParameters()) {
    tensors.set(name, { dtype: "F32", shape: parameter.shape, data: parameter.toArray() as Float32Array });
  }
  return tensors;
}

/**
 * Overwrites all parameters with F32, F16 or BF16 tensors. A parameter that two modules share may come under each of
 * its names, as PyTorch writes it, with the same numbers.
 * @throws FormatError naming every tensor that is missing, left over, of another shape or type, or without all its data;
 *   nothing is changed then.
 */
export function loadStateDict(module: Module, tensors: ReadonlyMap<string, SafeTensor>): void {
  const names = new Map<Parameter, string[]>();
  for (const [name, parameter] of module.parameterNames()) {
    const others = names.get(parameter);
    if (others) others.push(name);
    else names.set(parameter, [name]);
  }
  const problems: string[] = [];
  const values: { parameter: Parameter; data: Float32Array }[] = [];
  const known = new Set<string>();
  for (const [parameter, aliases] of names) {
    const found: { name: string; data: Float32Array }[] = [];
    for (const name of aliases) {
      known.add(name);
      const tensor = tensors.get(name);
      if (!tensor) continue;
      const problem = problemOf(tensor, parameter.shape) ?? incomplete(tensor);
      if (problem) problems.push(`${name} ${problem}`);
      found.push({ name, data: problem ? new Float32Array() : toFloat32(tensor) });
    }
    if (found.length === 0) {
      problems.push(`${aliases[0]} is missing`);
      continue;
    }
    const [first, ...others] = found;
    values.push({ parameter, data: first.data });
    for (const { name, data } of others) {
      if (differ(data, first.data)) {
        problems.push(`${name} differs from ${first.name}, with which it is one parameter`);
      }
    }
  }
  for (const name of tensors.keys()) if (!known.has(name)) problems.push(`${name} is left over`);
  if (problems.length > 0) throw new FormatError(`weights do not fit the model: ${problems.join("; ")}`);
  for (const { parameter, data } of values) parameter.set(data);
}

/** What is wrong with a tensor, if anything: its type, its shape, or both. */
export function problemOf({ dtype, shape }: SafeTensor, expected: readonly number[]): string | undefined {
  const parts: string[] = [];
  if (!DTYPES.includes(dtype)) parts.push(`has the type ${dtype}, expected ${DTYPES.join(", ")}`);
  if (shape.join() !== expected.join()) {
    parts.push(`has the shape [${shape}], expected [${expected}]`);
  }
  return parts.length > 0 ? parts.join(" and ") : undefined;
}

/** What is wrong with the data of a tensor that has the right type and shape: a file's are complete, others may not be. */
function incomplete({ dtype, shape, data }: SafeTensor): string | undefined {
  const bytes = shape.reduce((product, size) => product * size, ITEM_SIZE[dtype]);
  return data.byteLength === bytes ? undefined : `has ${data.byteLength} bytes of data, expected ${bytes}`;
}

/** Whether one parameter has other numbers under another of its names. Unequal sizes were complained of already. */
export function differ(data: Float32Array, first: Float32Array): boolean {
  return data.length === first.length && data.some((value, i) => !Object.is(value, first[i]));
}
