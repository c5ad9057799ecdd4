import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { gemm } from "./gemm.ts";
import { addColumnSums } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Matrix product [M, K] · [K, N] → [M, N]. Back: da = dy·bᵀ, db = aᵀ·dy.
 * @throws ShapeError unless both are matrices that fit.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  checkType("matmul", a, "f32");
  checkType("matmul", b, "f32");
  checkDimensions("matmul, left side", a, ["M", "K"]);
  checkDimensions("matmul, right side", b, [a.shape[1], "N"]);
  const { engine } = a;
  const [m, k] = a.shape;
  const n = b.shape[1];
  const left = { pointer: engine.use(a), stride: k };
  const right = { pointer: engine.use(b), stride: n, tensor: b };
  const y = engine.empty([m, n], "f32", "matmul");
  gemm(engine, m, n, k, left, right, { pointer: y.pointer, stride: n });
  record([y], [a, b], () => {
    const dy = { pointer: y.gradient.pointer, stride: n };
    if (a.requiresGrad) {
      const da = { pointer: a.gradient.pointer, stride: k };
      gemm(engine, m, k, n, dy, { ...right, transposed: true }, da, { accumulate: true });
    }
    if (b.requiresGrad) {
      const db = { pointer: b.gradient.pointer, stride: n };
      gemm(engine, k, n, m, { ...left, transposed: true }, dy, db, { accumulate: true });
    }
  });
  return y;
}

/**
 * x[…, in] · weightᵀ + bias → […, out], PyTorch's layout: weight [out, in], bias [out].
 * Back: dx = dy·weight, dweight = dyᵀ·x, dbias = Σ dy.
 * @throws ShapeError where the last dimension of x is not weight's `in`.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  checkType("linear", x, "f32");
  checkDimensions("linear, weight", weight, ["out", "in"]);
  const [outputs, inputs] = weight.shape;
  if (bias) checkDimensions("linear, bias", bias, [outputs]);
  if (x.rank < 1 || x.shape[x.rank - 1] !== inputs) {
    throw new ShapeError(
      `linear: expected a last dimension of ${inputs} as in the weight [${weight.shape}], got ${x}`,
    );
  }
  const { engine } = x;
  const rows = x.size / inputs;
  const a = { pointer: engine.use(x), stride: inputs };
  const w = { pointer: engine.use(weight), stride: inputs, tensor: weight };
  const y = engine.empty([...x.shape.slice(0, -1), outputs], "f32", "linear");
  gemm(
    engine,
    rows,
    outputs,
    inputs,
    a,
    { ...w, transposed: true },
    { pointer: y.pointer, stride: outputs },
    {
      bias: bias && engine.use(bias),
    },
  );
  record([y], [x, weight, bias], () => {
    const dy = { pointer: y.gradient.pointer, stride: outputs };
    if (x.requiresGrad) {
      const dx = { pointer: x.gradient.pointer, stride: inputs };
      gemm(engine, rows, inputs, outputs, dy, w, dx, { accumulate: true });
    }
    if (weight.requiresGrad) {
      const dw = { pointer: weight.gradient.pointer, stride: inputs };
      gemm(engine, outputs, inputs, rows, { ...dy, transposed: true }, a, dw, { accumulate: true });
    }
    if (bias?.requiresGrad) {
      const db = bias.gradient.pointer;
      addColumnSums(engine, db, dy.pointer, 0, rows, outputs, outputs);
    }
  });
  return y;
}
