import { type BINARY, UNARY } from "../engine/kernels.ts";
import { ShapeError } from "../errors.ts";
import { checkType } from "./check.ts";
import { accumulate, addColumnSums, binary, elementParts, multiplyAdd } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

function unary(name: keyof typeof UNARY, x: Tensor): Tensor {
  checkType(name, x, "f32");
  const { engine } = x;
  const kind = UNARY[name];
  const source = engine.use(x);
  const y = engine.empty(x.shape, "f32", name);
  engine.run("unary", elementParts(engine, x.size, 0.6), kind, source, y.pointer, x.size);
  record([y], [x], () => {
    const value = name === "log" ? source : y.pointer;
    const dy = y.gradient.pointer;
    const dx = x.gradient.pointer;
    engine.run("derive", elementParts(engine, x.size), kind, value, dy, dx, x.size);
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

function combine(
  name: keyof typeof BINARY,
  a: Tensor,
  b: Tensor,
): { y: Tensor } & ReturnType<typeof broadcast> {
  const { engine } = a;
  const grid = broadcast(name, a, b);
  const left = engine.use(a);
  const right = engine.use(b);
  const y = engine.empty(a.shape, "f32", name);
  binary(engine, name, left, right, grid.stride, y.pointer, grid.rows, grid.columns);
  return { y, ...grid };
}

/** a + b; b has a's shape or its last dimensions. */
export function add(a: Tensor, b: Tensor): Tensor {
  const { y, rows, columns } = combine("add", a, b);
  const { engine } = a;
  record([y], [a, b], () => {
    const dy = y.gradient.pointer;
    if (a.requiresGrad) accumulate(engine, a.gradient.pointer, dy, 1, y.size);
    if (b.requiresGrad) addColumnSums(engine, b.gradient.pointer, dy, 0, rows, columns, columns);
  });
  return y;
}

/** a × b, element by element; b has a's shape or its last dimensions. */
export function mul(a: Tensor, b: Tensor): Tensor {
  const { y, rows, columns, stride } = combine("mul", a, b);
  const { engine } = a;
  record([y], [a, b], () => {
    const dy = y.gradient.pointer;
    if (a.requiresGrad) {
      multiplyAdd(engine, dy, b.pointer, stride, a.gradient.pointer, rows, columns);
    }
    if (!b.requiresGrad) return;
    if (stride) multiplyAdd(engine, dy, a.pointer, columns, b.gradient.pointer, rows, columns);
    else addColumnSums(engine, b.gradient.pointer, dy, a.pointer, rows, columns, columns);
  });
  return y;
}

/** factor × x. */
export function scale(x: Tensor, factor: number): Tensor {
  checkType("scale", x, "f32");
  const { engine } = x;
  const source = engine.use(x);
  const y = engine.empty(x.shape, "f32", "scale");
  engine.fill(y.pointer, 0, y.size);
  accumulate(engine, y.pointer, source, factor, y.size);
  record([y], [x], () => {
    accumulate(engine, x.gradient.pointer, y.gradient.pointer, factor, y.size);
  });
  return y;
}
