import type { Engine } from "../engine/engine.ts";
import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { gemm, packedBytes } from "./gemm.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/** What a layer computes. GRU: reset gate after the recurrent matmul (PyTorch) or before it (Cho et al. 2014). */
export type RecurrentKind = "rnn-tanh" | "rnn-relu" | "lstm" | "gru-after" | "gru-before";

/** Gates a cell has: its weights have that many times hiddenSize rows. */
export const GATES: Record<RecurrentKind, number> = {
  "rnn-tanh": 1,
  "rnn-relu": 1,
  lstm: 4,
  "gru-after": 3,
  "gru-before": 3,
};

const VARIANT: Record<RecurrentKind, number> = {
  "rnn-tanh": 0,
  "rnn-relu": 1,
  lstm: 0,
  "gru-after": 0,
  "gru-before": 1,
};

export interface RecurrentWeights {
  /** [G·H, I] */
  weightIh: Tensor;
  /** [G·H, H] */
  weightHh: Tensor;
  /** [G·H] */
  biasIh?: Tensor;
  biasHh?: Tensor;
}

export interface RecurrentResult {
  /** h_1 … h_T: [T, B, H]. */
  output: Tensor;
  /** h_T: [B, H]. */
  hidden: Tensor;
  /** LSTM: c_T [B, H]. */
  cell?: Tensor;
}

/**
 * One recurrent layer over a whole sequence, forward and (recorded on the tape) backward: a handful of kernel calls
 * however long the sequence. x [T, B, I], h0 and (LSTM) c0 [B, H]; the formulas are in assembly/cells/.
 *
 * The history of states [T + 1, B, H], h0 first, is one tensor: output and final state are views of it, so that
 * their gradients add up where the backward kernel wants them, and h_{t−1} for all t lies ready for dW_hh.
 * @throws ShapeError where shapes do not fit.
 */
export function recurrent(
  kind: RecurrentKind,
  x: Tensor,
  h0: Tensor,
  c0: Tensor | undefined,
  weights: RecurrentWeights,
): RecurrentResult {
  checkType(kind, x, "f32");
  const gateCount = GATES[kind];
  const hiddenSize = weights.weightHh.shape[1];
  const outputs = gateCount * hiddenSize;
  const inputSize = weights.weightIh.shape[1];
  checkDimensions(`${kind}, input`, x, ["T", "B", inputSize]);
  const [steps, batch] = x.shape;
  checkDimensions(`${kind}, initial hidden state`, h0, [batch, hiddenSize]);
  if (c0) checkDimensions(`${kind}, initial cell state`, c0, [batch, hiddenSize]);

  if (!weights.biasIh !== !weights.biasHh) {
    throw new ShapeError(
      `${kind}: expected both biases or none, got only ${weights.biasIh ? "biasIh" : "biasHh"}`,
    );
  }

  const { engine } = x;
  const { kernels, memory } = engine;
  const isGru = gateCount === 3;
  const slot = batch * hiddenSize;
  const rows = steps * batch;

  const hidden = engine.empty([steps + 1, batch, hiddenSize], "f32", kind);
  copy(engine, hidden.pointer, engine.use(h0), slot);
  const cell = c0 && engine.empty([steps + 1, batch, hiddenSize], "f32", `${kind} cell`);
  if (c0 && cell) copy(engine, cell.pointer, engine.use(c0), slot);
  // An Elman network's pre-activations are written where its states will be.
  const gates = gateCount === 1 ? hidden.pointer + 4 * slot : memory.bump(4 * rows * outputs);
  const extra = isGru ? memory.bump(4 * rows * hiddenSize) : 0;

  const input = { pointer: engine.use(x), stride: inputSize };
  const wih = { pointer: engine.use(weights.weightIh), stride: inputSize };
  const whh = engine.use(weights.weightHh);
  const biasIh = weights.biasIh && engine.use(weights.biasIh);
  const biasHh = weights.biasHh && engine.use(weights.biasHh);

  const mark = memory.mark();
  const bias = inputBias(engine, kind, outputs, hiddenSize, biasIh, biasHh);
  gemm(
    engine,
    rows,
    outputs,
    inputSize,
    input,
    { ...wih, transposed: true },
    { pointer: gates, stride: outputs },
    { bias },
  );
  const pass = {
    steps,
    batch,
    hiddenSize,
    reverse: 0,
    variant: VARIANT[kind],
    hidden: hidden.pointer,
    cell: cell?.pointer ?? 0,
    gates,
    extra,
    weights: whh,
    lengths: 0,
    candidateBias: kind === "gru-after" && biasHh ? biasHh + 8 * hiddenSize : 0,
  };
  const forward = isGru ? kernels.gruForward : cell ? kernels.lstmForward : kernels.rnnForward;
  const panels = packWeights(engine, kind, whh, hiddenSize, batch, true);
  const scratch = memory.bump(kernels.gemmScratchBytes());
  const forwardArgs = engine.args("RecurrentArgs", { ...pass, ...panels, dHidden: 0, dCell: 0, scratch });
  engine.run(1, (part, parts) => forward(forwardArgs, part, parts));
  memory.release(mark);

  const states = cell ? [hidden, cell] : [hidden];
  const inputs = [x, h0, c0, weights.weightIh, weights.weightHh, weights.biasIh, weights.biasHh];
  record(states, inputs, () => {
    const dHidden = hidden.gradient.pointer;
    const dCell = cell?.gradient.pointer ?? 0;
    const dx = x.requiresGrad ? x.gradient.pointer : 0;
    const deltas = gateCount === 1 ? memory.bump(4 * rows * hiddenSize) : gates;
    const backward = isGru ? kernels.gruBackward : cell ? kernels.lstmBackward : kernels.rnnBackward;

    const mark = memory.mark();
    const panels = packWeights(engine, kind, whh, hiddenSize, batch, false);
    const scratch = memory.bump(kernels.gemmScratchBytes() + 4 * slot);
    const args = engine.args("RecurrentArgs", { ...pass, gates: deltas, ...panels, dHidden, dCell, scratch });
    engine.run(1, (part, parts) => backward(args, part, parts));
    memory.release(mark);

    const delta = { pointer: deltas, stride: outputs };
    const accumulate = { accumulate: true };
    if (dx)
      gemm(engine, rows, inputSize, outputs, delta, wih, { pointer: dx, stride: inputSize }, accumulate);
    const { weightIh, weightHh, biasIh, biasHh } = weights;
    if (weightIh.requiresGrad) {
      const dw = { pointer: weightIh.gradient.pointer, stride: inputSize };
      gemm(engine, outputs, inputSize, rows, { ...delta, transposed: true }, input, dw, accumulate);
    }
    // The blocks of W_hh: what reached their outputs, and what they were multiplied with.
    const before = hidden.pointer;
    const candidate = deltas + 8 * hiddenSize;
    const blocks = !isGru
      ? [{ from: 0, count: outputs, delta: deltas, stride: outputs, source: before }]
      : [
          { from: 0, count: 2 * hiddenSize, delta: deltas, stride: outputs, source: before },
          kind === "gru-after"
            ? { from: 2 * hiddenSize, count: hiddenSize, delta: extra, stride: hiddenSize, source: before }
            : { from: 2 * hiddenSize, count: hiddenSize, delta: candidate, stride: outputs, source: extra },
        ];
    for (const block of blocks) {
      if (weightHh.requiresGrad) {
        const a = { pointer: block.delta, stride: block.stride, transposed: true };
        const b = { pointer: block.source, stride: hiddenSize };
        const c = { pointer: weightHh.gradient.pointer + 4 * block.from * hiddenSize, stride: hiddenSize };
        gemm(engine, block.count, hiddenSize, rows, a, b, c, accumulate);
      }
    }
    if (biasIh?.requiresGrad || biasHh?.requiresGrad) {
      const sums = engine.zeros([outputs]).pointer;
      kernels.columnSums(sums, deltas, 0, rows, outputs, outputs, 0, 1);
      if (biasIh?.requiresGrad) kernels.accumulate(biasIh.gradient.pointer, sums, 1, outputs, 0, 1);
      if (biasHh?.requiresGrad) {
        const db = biasHh.gradient.pointer;
        kernels.accumulate(db, sums, 1, kind === "gru-after" ? 2 * hiddenSize : outputs, 0, 1);
        // Here b_hn stands inside r⊙(…), and what reaches it differs.
        if (kind === "gru-after") {
          kernels.columnSums(db + 8 * hiddenSize, extra, 0, rows, hiddenSize, hiddenSize, 0, 1);
        }
      }
    }
    if (h0.requiresGrad) kernels.accumulate(h0.gradient.pointer, dHidden, 1, slot, 0, 1);
    if (c0?.requiresGrad) kernels.accumulate(c0.gradient.pointer, dCell, 1, slot, 0, 1);
  });

  return {
    output: hidden.view([steps, batch, hiddenSize], slot),
    hidden: hidden.view([batch, hiddenSize], steps * slot),
    cell: cell?.view([batch, hiddenSize], steps * slot),
  };
}

function copy(engine: Engine, target: number, source: number, count: number): void {
  engine.memory.f32.copyWithin(target >>> 2, source >>> 2, (source >>> 2) + count);
}

/**
 * The bias that the input projection adds: b_ih + b_hh, except that a GRU with the reset gate after the recurrent
 * matmul adds b_hn inside it.
 */
function inputBias(
  engine: Engine,
  kind: RecurrentKind,
  outputs: number,
  hiddenSize: number,
  biasIh: number | undefined,
  biasHh: number | undefined,
): number {
  if (biasIh === undefined || biasHh === undefined) return 0;
  const sum = engine.memory.bump(4 * outputs);
  copy(engine, sum, biasIh, outputs);
  const shared = kind === "gru-after" ? 2 * hiddenSize : outputs;
  engine.kernels.accumulate(sum, biasHh, 1, shared, 0, 1);
  return sum;
}

/** W_hhᵀ (forward) or W_hh (backward) in panels; the GRU's candidate block apart. A batch of one reads W_hh itself. */
function packWeights(
  engine: Engine,
  kind: RecurrentKind,
  weights: number,
  hiddenSize: number,
  batch: number,
  forward: boolean,
): { packed: number; packedCandidate: number } {
  if (batch === 1) return { packed: 0, packedCandidate: 0 };
  const pack = (from: number, outputs: number): number => {
    const [depth, columns] = forward ? [hiddenSize, outputs] : [outputs, hiddenSize];
    const target = engine.memory.bump(packedBytes(depth, columns));
    const source = weights + 4 * from * hiddenSize;
    engine.run(1, (part, parts) =>
      engine.kernels.packRecurrent(target, source, outputs, hiddenSize, forward ? 1 : 0, part, parts),
    );
    return target;
  };
  if (GATES[kind] !== 3) return { packed: pack(0, GATES[kind] * hiddenSize), packedCandidate: 0 };
  return { packed: pack(0, 2 * hiddenSize), packedCandidate: pack(2 * hiddenSize, hiddenSize) };
}
