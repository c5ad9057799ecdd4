import { gemm } from "./gemm.ts";
import type { Packing } from "./packing.ts";
import { GATES, type Pass, runPass } from "./recurrent-pass.ts";
import { accumulate, addColumnSums, rowParts } from "./split.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The gradients of a pass, from those of its histories: one kernel call goes back through all steps and leaves what
 * reached each gate before its activation, from which matmuls over all tokens make the rest. Once: it overwrites the gates.
 */
export function recurrentBackward(pass: Pass): void {
  const { engine, kind, reverse, packing, x, h0, c0, weights, hidden, cell, tokens, hiddenSize } = pass;
  const { memory } = engine;
  const outputs = GATES[kind] * hiddenSize;
  const inputSize = x.shape[x.rank - 1];
  const dHidden = hidden.gradient.pointer;
  const dCell = cell?.gradient.pointer ?? 0;
  const dx = x.requiresGrad ? x.gradient.pointer : 0;
  runPass(pass, { dHidden, dCell });

  const deltas = pass.gates;
  const delta = { pointer: deltas, stride: outputs };
  const input = { pointer: engine.use(x), stride: inputSize };
  const adding = { accumulate: true };
  const { weightIh, weightHh, weightHr, biasIh, biasHh } = weights;
  if (dx) {
    const wih = { pointer: weightIh.pointer, stride: inputSize };
    gemm(engine, tokens, inputSize, outputs, delta, wih, { pointer: dx, stride: inputSize }, adding);
  }
  if (weightIh.requiresGrad) {
    const dw = { pointer: weightIh.gradient.pointer, stride: inputSize };
    gemm(engine, outputs, inputSize, tokens, { ...delta, transposed: true }, input, dw, adding);
  }
  if (weightHh.requiresGrad) {
    const dw = weightHh.gradient.pointer;
    const mark = memory.mark();
    const before = tokenRows(hidden, hidden.pointer, reverse, packing);
    for (const block of blocksOf(pass, before)) {
      const stride = pass.stateSize;
      const c = { pointer: dw + 4 * block.from * stride, stride };
      const a = { pointer: block.delta, stride: block.deltaStride, transposed: true };
      gemm(engine, block.count, stride, tokens, a, { pointer: block.source, stride }, c, adding);
    }
    memory.release(mark);
  }
  if (weightHr?.requiresGrad) {
    const dw = weightHr.gradient.pointer;
    const mark = memory.mark();
    const pointer = tokenRows(hidden, dHidden, !reverse, packing);
    const c = { pointer: dw, stride: hiddenSize };
    const a = { pointer, stride: pass.stateSize, transposed: true };
    const product = { pointer: pass.extra, stride: hiddenSize };
    gemm(engine, pass.stateSize, hiddenSize, tokens, a, product, c, adding);
    memory.release(mark);
  }
  if (biasIh?.requiresGrad || biasHh?.requiresGrad) {
    const sums = engine.zeros([outputs]).pointer;
    addColumnSums(engine, sums, deltas, 0, tokens, outputs, outputs);
    if (biasIh?.requiresGrad) accumulate(engine, biasIh.gradient.pointer, sums, 1, outputs);
    if (biasHh?.requiresGrad) {
      const db = biasHh.gradient.pointer;
      accumulate(engine, db, sums, 1, kind === "gru-after" ? 2 * hiddenSize : outputs);
      // Here b_hn stands inside r⊙(…), and what reaches it differs.
      if (kind === "gru-after") {
        addColumnSums(engine, db + 8 * hiddenSize, pass.extra, 0, tokens, hiddenSize, hiddenSize);
      }
    }
  }
  if (h0.requiresGrad) addInitialGradient(hidden, h0, reverse, packing);
  if (cell && c0?.requiresGrad) addInitialGradient(cell, c0, reverse, packing);
}

/** The blocks of W_hh, from row `from` on: what reached their outputs, and what they were multiplied with. */
function blocksOf({ kind, hiddenSize, gates, extra }: Pass, before: number) {
  const outputs = GATES[kind] * hiddenSize;
  const all = { from: 0, count: outputs, delta: gates, deltaStride: outputs, source: before };
  if (GATES[kind] !== 3) return [all];
  const candidate = { from: 2 * hiddenSize, count: hiddenSize };
  return [
    { ...all, count: 2 * hiddenSize },
    kind === "gru-after"
      ? { ...candidate, delta: extra, deltaStride: hiddenSize, source: before }
      : { ...candidate, delta: gates + 8 * hiddenSize, deltaStride: outputs, source: extra },
  ];
}

/** What the slot of a history that holds the initial state received, to the initial state. */
function addInitialGradient(
  history: Tensor,
  initial: Tensor,
  reverse: boolean,
  packing: Packing | undefined,
): void {
  const { engine } = history;
  const [batch, size] = initial.shape;
  const slot = batch * size;
  const dInitial = initial.gradient.pointer;
  const dHistory = history.gradient.pointer;
  if (reverse && packing) {
    engine.run("moveRows", 1, dInitial, 0, size, dHistory, packing.ends.pointer, size, batch, size, 1);
  } else {
    const at = reverse ? 4 * (history.size - slot) : 0;
    accumulate(engine, dInitial, dHistory + at, 1, slot);
  }
}

/**
 * Where the states that steps start from lie, one row a token; with `reverse` inverted, those that they end with. In
 * a packed batch they are gathered into the arena from `data`, which has the shape of the history.
 */
function tokenRows(history: Tensor, data: number, reverse: boolean, packing: Packing | undefined): number {
  const [, batch, size] = history.shape;
  const start = data + (reverse ? 4 * batch * size : 0);
  if (!packing) return start;
  const { engine } = history;
  const { tokens, slots } = packing;
  const rows = engine.memory.bump(4 * tokens * size);
  const parts = rowParts(engine, tokens, size, 64);
  engine.run("moveRows", parts, rows, 0, size, start, slots.pointer, size, tokens, size, 0);
  return rows;
}
