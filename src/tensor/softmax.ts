import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { checkIds } from "./embedding.ts";
import { rowParts, total } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/** Softmax over the last dimension: positive, each row sums to 1. */
export function softmax(x: Tensor): Tensor {
  checkType("softmax", x, "f32");
  const { engine } = x;
  const columns = lastDimension("softmax", x);
  const rows = x.size / columns;
  const source = engine.use(x);
  const y = engine.empty(x.shape, "f32", "softmax");
  const parts = rowParts(engine, rows, columns, 16, 1);
  engine.run("softmaxForward", parts, source, y.pointer, rows, columns);
  record([y], [x], () => {
    const dy = y.gradient.pointer;
    const dx = x.gradient.pointer;
    engine.run("softmaxBackward", parts, y.pointer, dy, dx, rows, columns);
  });
  return y;
}

function lastDimension(operation: string, x: Tensor): number {
  if (x.rank === 0) throw new ShapeError(`${operation}: expected at least one dimension, got ${x}`);
  return x.shape[x.rank - 1];
}

/**
 * Mean cross-entropy, in nats, between softmax(logits […, V]) and targets […] (class numbers, i32), fused. Targets
 * equal to `ignoreIndex` (default −1) count for nothing.
 * @throws ShapeError on targets of another shape, out of range, or all ignored.
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  options: { ignoreIndex?: number } = {},
): Tensor {
  const { ignoreIndex = -1 } = options;
  checkType("crossEntropy, logits", logits, "f32");
  checkType("crossEntropy, targets", targets, "i32");
  const columns = lastDimension("crossEntropy", logits);
  const rows = logits.size / columns;
  checkDimensions("crossEntropy, targets", targets, logits.shape.slice(0, -1));
  const { engine } = logits;
  const { memory } = engine;
  const x = engine.use(logits);
  const labels = engine.use(targets);
  checkIds("crossEntropy", targets, columns, ignoreIndex);
  const start = labels >>> 2;
  let counted = 0;
  for (let i = 0; i < rows; i++) if (memory.i32[start + i] !== ignoreIndex) counted++;
  if (counted === 0) throw new ShapeError(`crossEntropy: every target is ${ignoreIndex}, which is ignored`);

  const losses = engine.empty([rows], "f32", "losses").pointer;
  const normalizers = engine.empty([rows, 2], "f32", "normalizers").pointer;
  const parts = rowParts(engine, rows, columns, 16, 0.6);
  engine.run("crossEntropyForward", parts, x, labels, ignoreIndex, losses, normalizers, rows, columns);
  const y = engine.empty([1], "f32", "crossEntropy");
  y.set([total(engine, "sum", losses, rows) / counted]);
  record([y], [logits], () => {
    const factor = y.gradient.item() / counted;
    const dx = logits.gradient.pointer;
    const sizes = [rows, columns] as const;
    engine.run("crossEntropyBackward", parts, x, labels, ignoreIndex, normalizers, factor, dx, ...sizes);
  });
  return y;
}
