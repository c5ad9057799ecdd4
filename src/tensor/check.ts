import { ShapeError } from "../errors.ts";
import type { DType, Tensor } from "./tensor.ts";

/** @throws ShapeError unless `tensor` has the dtype an operation wants. */
export function checkType(operation: string, tensor: Tensor, dtype: DType): void {
  if (tensor.dtype !== dtype) {
    const hint = dtype === "i32" ? " (engine.ids makes one)" : "";
    throw new ShapeError(
      `${operation}: expected a tensor of ${dtype}${hint}, got ${tensor} of ${tensor.dtype}`,
    );
  }
}

/**
 * @throws ShapeError unless the shape is the expected one, where a string stands for a dimension of any size.
 * The string is the dimension's name in the message.
 */
export function checkDimensions(
  operation: string,
  tensor: Tensor,
  expected: readonly (number | string)[],
): void {
  const fits =
    tensor.rank === expected.length &&
    expected.every((n, i) => typeof n === "string" || n === tensor.shape[i]);
  if (!fits) throw new ShapeError(`${operation}: expected the shape [${expected.join(", ")}], got ${tensor}`);
}
