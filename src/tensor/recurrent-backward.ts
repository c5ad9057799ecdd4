import { gemm } from "./gemm.ts";
import type { Packing } from "./packing.ts";
import { GATES, type Pass, runPass } from "./recurrent-pass.ts";
import { accumulate, addColumnSums, rowParts } from "./split.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The gradients of a pass, from those of its histories: one kernel call goes back through all steps and leaves in the gates
 * what reached each before its activation, from which matmuls over all tokens make the rest: here those of the recurrent
 * weights and the initial states, in input-projection.ts those of the input. Once: it overwrites the gates.
 */
export function recurrentBackward(pass: Pass): void {
  const { engine, kind, reverse, packing, h0, c0, weights, hidden, cell, tokens, hiddenSize } = pass;
  const { memory } = engine;
  const dHidden = hidden.gradient.pointer;
  const dCell = cell?.gradient.pointer ?? 0;
  runPass(pass, { dHidden, dCell });

  const adding = { accumulate: true };
  const { weightHh, weightHr, biasHh } = weights;
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
  if (kind === "gru-after" && biasHh?.requiresGrad) {
    // b_hn stands inside r⊙(…): what reaches it is not what reaches the other biases.
    const db = biasHh.gradient.pointer + 8 * hiddenSize;
    addColumnSums(engine, db, pass.extra, 0, tokens, hiddenSize, hiddenSize);
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
