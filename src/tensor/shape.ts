import { ShapeError } from "../errors.ts";
import { copyRows } from "./split.ts";
import { record } from "./tape.ts";
import { sizeOf, type Tensor } from "./tensor.ts";

/** The same elements under another shape: a view, no copy. @throws ShapeError if the sizes differ. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  if (sizeOf(shape) !== x.size) {
    throw new ShapeError(`reshape: expected a shape of ${x.size} elements, as ${x} has, got [${shape}]`);
  }
  x.engine.use(x);
  return x.view(shape);
}

/** A matrix picture of a dimension: `outer` blocks, in each of which the dimension's items are `inner` floats apart. */
function around(x: Tensor, dimension: number): { outer: number; inner: number } {
  return { outer: sizeOf(x.shape.slice(0, dimension)), inner: sizeOf(x.shape.slice(dimension + 1)) };
}

function checkDimension(name: string, x: Tensor, dimension: number): void {
  if (!Number.isInteger(dimension) || dimension < 0 || dimension >= x.rank) {
    throw new ShapeError(`${name}: expected a dimension from 0 to ${x.rank - 1} of ${x}, got ${dimension}`);
  }
}

/**
 * The items `start` to `end` (not included) of one dimension. Along dimension 0 it is a view, else a copy.
 * @throws ShapeError if the range is empty or leaves the tensor.
 */
export function slice(x: Tensor, dimension: number, start: number, end: number): Tensor {
  checkDimension("slice", x, dimension);
  const items = x.shape[dimension];
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > items || start >= end) {
    throw new ShapeError(
      `slice: expected a range within 0 to ${items} of dimension ${dimension} of ${x}, got ${start} to ${end}`,
    );
  }
  const { engine } = x;
  const { outer, inner } = around(x, dimension);
  const shape = x.shape.map((n, i) => (i === dimension ? end - start : n));
  const source = engine.use(x);
  if (outer === 1) return x.view(shape, start * inner);
  const y = engine.empty(shape, x.dtype, "slice");
  const columns = (end - start) * inner;
  const stride = items * inner;
  const offset = 4 * start * inner;
  const inside = (pointer: number) => ({ pointer: pointer + offset, stride });
  copyRows(engine, { pointer: y.pointer, stride: columns }, inside(source), outer, columns, false);
  record([y], [x], () => {
    const dy = { pointer: y.gradient.pointer, stride: columns };
    copyRows(engine, inside(x.gradient.pointer), dy, outer, columns, true);
  });
  return y;
}

/**
 * Tensors one behind the other along a dimension.
 * @throws ShapeError unless they agree in all others.
 */
export function concat(tensors: readonly Tensor[], dimension: number): Tensor {
  if (tensors.length === 0) throw new ShapeError("concat: expected at least one tensor, got none");
  const first = tensors[0];
  checkDimension("concat", first, dimension);
  for (const tensor of tensors) {
    const same =
      tensor.rank === first.rank &&
      tensor.dtype === first.dtype &&
      tensor.shape.every((n, i) => i === dimension || n === first.shape[i]);
    if (!same) {
      throw new ShapeError(
        `concat: expected the shape of ${first} outside dimension ${dimension}, got ${tensor}`,
      );
    }
  }
  const { engine } = first;
  const { outer, inner } = around(first, dimension);
  const items = tensors.reduce((sum, tensor) => sum + tensor.shape[dimension], 0);
  const y = engine.empty(
    first.shape.map((n, i) => (i === dimension ? items : n)),
    first.dtype,
    "concat",
  );
  const stride = items * inner;
  let offset = 0;
  const places = tensors.map((tensor) => {
    const columns = tensor.shape[dimension] * inner;
    const place = { tensor, columns, offset };
    const source = { pointer: engine.use(tensor), stride: columns };
    copyRows(engine, { pointer: y.pointer + offset, stride }, source, outer, columns, false);
    offset += 4 * columns;
    return place;
  });
  record([y], tensors, () => {
    const dy = y.gradient.pointer;
    for (const { tensor, columns, offset } of places) {
      if (!tensor.requiresGrad) continue;
      const target = { pointer: tensor.gradient.pointer, stride: columns };
      copyRows(engine, target, { pointer: dy + offset, stride }, outer, columns, true);
    }
  });
  return y;
}
