import { BINARY, UNARY } from "../engine/kernels.ts";
import { ShapeError } from "../errors.ts";
import { checkType } from "./check.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

function unary(name: keyof typeof UNARY, x: Tensor): Tensor {
  checkType(name, x, "f32");
  const { engine } = x;
  const { kernels } = engine;
  const kind = UNARY[name];
  const source = engine.use(x);
  const y = engine.empty(x.shape, "f32", name);
  engine.run(1, (part, parts) => kernels.unary(kind, source, y.pointer, x.size, part, parts));
  record([y], [x], () => {
    const value = name === "log" ? source : y.pointer;
    const dy = y.gradient.pointer;
    const dx = x.gradient.pointer;
    engine.run(1, (part, parts) => kernels.derive(kind, value, dy, dx, x.size, part, parts));
  });
  return y;
}

/** eˣ, element by element. */
export const exp = (x: Tensor): Tensor => unary("exp", x);
/** Natural logarithm; NaN below zero, −∞ at zero. */
export const log = (x: Tensor): Tensor => unary("log", x);
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => unary("tanh", x);
/** 1/(1 + e⁻ˣ). */
export const sigmoid = (x: Tensor): Tensor => unary("sigmoid", x);
/** max(x, 0). */
export const relu = (x: Tensor): Tensor => unary("relu", x);

/**
 * How b lies on a: the same shape, or the last dimensions of a (a bias on every row). A binary kernel sees a as
 * [rows, columns] and b as [rows, columns] or one row.
 */
function broadcast(name: string, a: Tensor, b: Tensor): { rows: number; columns: number; stride: number } {
  checkType(name, a, "f32");
  checkType(name, b, "f32");
  const tail = a.shape.slice(a.rank - b.rank);
  if (b.rank > a.rank || b.shape.some((n, i) => n !== tail[i])) {
    throw new ShapeError(`${name}: expected on the right the shape of ${a} or its last dimensions, got ${b}`);
  }
  const columns = b.size;
  return { rows: a.size / columns, columns, stride: b.size === a.size ? columns : 0 };
}

function binary(
  name: keyof typeof BINARY,
  a: Tensor,
  b: Tensor,
): { y: Tensor } & ReturnType<typeof broadcast> {
  const { engine } = a;
  const grid = broadcast(name, a, b);
  const left = engine.use(a);
  const right = engine.use(b);
  const y = engine.empty(a.shape, "f32", name);
  engine.run(1, (part, parts) =>
    engine.kernels.binary(
      BINARY[name],
      left,
      right,
      grid.stride,
      y.pointer,
      grid.rows,
      grid.columns,
      part,
      parts,
    ),
  );
  return { y, ...grid };
}

/** a + b; b has a's shape or its last dimensions. */
export function add(a: Tensor, b: Tensor): Tensor {
  const { y, rows, columns } = binary("add", a, b);
  const { kernels } = a.engine;
  record([y], [a, b], () => {
    const dy = y.gradient.pointer;
    if (a.requiresGrad) kernels.accumulate(a.gradient.pointer, dy, 1, y.size, 0, 1);
    if (b.requiresGrad) kernels.columnSums(b.gradient.pointer, dy, 0, rows, columns, columns, 0, 1);
  });
  return y;
}

/** a × b, element by element; b has a's shape or its last dimensions. */
export function mul(a: Tensor, b: Tensor): Tensor {
  const { y, rows, columns, stride } = binary("mul", a, b);
  const { kernels } = a.engine;
  record([y], [a, b], () => {
    const dy = y.gradient.pointer;
    if (a.requiresGrad) {
      kernels.multiplyAdd(dy, b.pointer, stride, a.gradient.pointer, rows, columns, 0, 1);
    }
    if (!b.requiresGrad) return;
    if (stride) kernels.multiplyAdd(dy, a.pointer, columns, b.gradient.pointer, rows, columns, 0, 1);
    else kernels.columnSums(b.gradient.pointer, dy, a.pointer, rows, columns, columns, 0, 1);
  });
  return y;
}

/** factor × x. */
export function scale(x: Tensor, factor: number): Tensor {
  checkType("scale", x, "f32");
  const { engine } = x;
  const source = engine.use(x);
  const y = engine.empty(x.shape, "f32", "scale");
  engine.kernels.fill(y.pointer, 0, y.size);
  engine.kernels.accumulate(y.pointer, source, factor, y.size, 0, 1);
  record([y], [x], () => {
    engine.kernels.accumulate(x.gradient.pointer, y.gradient.pointer, factor, y.size, 0, 1);
  });
  return y;
}
