/** The cross-entropy of softmax(logits) with one right class per row, and its gradient, in one pass. */

export interface SoftmaxCrossEntropyOptions {
  /** N */
  rows: number;
  /** V */
  classes: number;
  /** [N, V] */
  logits: Float32Array;
  /** [N], each 0 to V−1 or `ignoreIndex`. */
  targets: Int32Array;
  /** Rows with this target count neither in the loss nor in the gradient; −100 as in PyTorch. */
  ignoreIndex?: number;
}

export interface SoftmaxCrossEntropyResult {
  /** The mean over the rows that count; 0 if none does. */
  loss: number;
  /** [N, V], the gradient of that mean. */
  dLogits: Float32Array;
  /** How many rows count. */
  counted: number;
}

/** Overwrites `dLogits`, which may be `logits` itself. Throws RangeError on a target that is no class. */
export function softmaxCrossEntropy(
  options: SoftmaxCrossEntropyOptions,
  dLogits = new Float32Array(options.rows * options.classes),
): SoftmaxCrossEntropyResult {
  const { rows, classes, logits, targets, ignoreIndex = -100 } = options;
  let counted = 0;
  for (let row = 0; row < rows; row++) {
    const target = targets[row];
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= classes) {
      throw new RangeError(
        `cross-entropy: expected targets from 0 to ${classes - 1}, got ${target} in row ${row}`,
      );
    }
    counted++;
  }
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const at = row * classes;
    const target = targets[row];
    if (target === ignoreIndex) dLogits.fill(0, at, at + classes);
    else loss += rowLoss(logits, at, classes, target, 1 / counted, dLogits);
  }
  return { loss: counted === 0 ? 0 : loss / counted, dLogits, counted };
}

/** −log softmax(row)[target], computed as log Σ exp(x − max) − (x_target − max), so that nothing overflows. */
function rowLoss(
  logits: Float32Array,
  at: number,
  classes: number,
  target: number,
  scale: number,
  dLogits: Float32Array,
): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < classes; k++) max = Math.max(max, logits[at + k]);
  const shifted = logits[at + target] - max;
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const e = Math.exp(logits[at + k] - max);
    dLogits[at + k] = e;
    sum += e;
  }
  for (let k = 0; k < classes; k++) dLogits[at + k] *= scale / sum;
  dLogits[at + target] -= scale;
  return Math.log(sum) - shifted;
}
