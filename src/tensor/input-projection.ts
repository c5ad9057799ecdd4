/**
 * What a recurrent layer makes of its input before the first step, W_ih x + b for all N tokens, and the way back. Where
 * tokens are rows of a small table, looked up by id, the table's V rows are projected instead, and each token's copied
 * from there: with V = 65, E = 64, H = 128 a training step of an LSTM on N = 2,048 tokens has 30 % less arithmetic to do,
 * for the same sums.
 */
import type { Engine } from "../engine/engine.ts";
import { derive } from "./derived.ts";
import { addRowsTo, copyRowsOf, embedding, Lookup } from "./embedding.ts";
import { gemm } from "./gemm.ts";
import { GATES, type Pass } from "./recurrent-pass.ts";
import { accumulate, addColumnSums, binary, copy } from "./split.ts";
import { Parameter, type Tensor } from "./tensor.ts";

/** With fewer tokens a row, copying costs as much as the arithmetic that it saves. */
const TOKENS_A_ROW = 2;
/** In inference so many projected rows are kept at most: reading some hundred tokens, one by one, pays for them. */
const MOST_KEPT = 256;

export interface ProjectedInput {
  /** What received the gradient: the rows of tokens, or the table. */
  source: Tensor;
  /** To be called with what reached each gate before its activation in `pass.gates`. */
  backward: () => void;
}

/** Fills `pass.gates`. x: rows [N, I], in the order of tokens. */
export function projectInput(pass: Pass, x: Tensor | Lookup): ProjectedInput {
  const { engine, tokens, gates } = pass;
  const { memory } = engine;
  if (!(x instanceof Lookup)) return projectRows(pass, x);
  const { table, ids } = x;
  const rows = table.shape[0];
  const outputs = GATES[pass.kind] * pass.hiddenSize;
  if (tokens >= TOKENS_A_ROW * rows) {
    const mark = memory.mark();
    const projected = memory.bump(4 * rows * outputs);
    project(pass, engine.use(table), rows, projected);
    copyRowsOf(engine, projected, ids, gates, outputs);
    memory.release(mark);
    return {
      source: table,
      backward: () => {
        const deltas = engine.zeros([rows, outputs]).pointer;
        addRowsTo(engine, deltas, ids, gates, outputs);
        projectBack(pass, table, deltas);
      },
    };
  }
  const sources = [pass.weights.weightIh, table, pass.weights.biasIh, pass.weights.biasHh].filter(
    (one) => !!one,
  );
  // Kept rows must not change what a text gives: see projectTable.
  const hasBitsOfKept = tokens === 1 || engine.tallTiles;
  if (engine.isInferring && rows <= MOST_KEPT && hasBitsOfKept && areParameters(sources)) {
    const kept = derive(engine, sources, table, rows * outputs, (target) =>
      projectTable(pass, table, target),
    );
    if (kept) {
      copyRowsOf(engine, kept, ids, gates, outputs);
      return { source: table, backward: () => {} };
    }
  }
  return projectRows(pass, embedding(table, ids));
}

function areParameters(tensors: readonly Tensor[]): tensors is Parameter[] {
  return tensors.every((tensor) => tensor instanceof Parameter);
}

/** With the bits of tokens read one by one: a single row's product has those of many rows from panels alone. */
function projectTable(pass: Pass, table: Tensor, target: number): void {
  const [rows, stride] = table.shape;
  if (pass.engine.tallTiles) project(pass, table.pointer, rows, target);
  else {
    const outputs = GATES[pass.kind] * pass.hiddenSize;
    for (let i = 0; i < rows; i++) project(pass, table.pointer + 4 * i * stride, 1, target + 4 * i * outputs);
  }
}

function projectRows(pass: Pass, rows: Tensor): ProjectedInput {
  const { engine, tokens, gates } = pass;
  project(pass, engine.use(rows), tokens, gates);
  return { source: rows, backward: () => projectBack(pass, rows, gates) };
}

/** target[count, G·H] = rows[count, I] · W_ihᵀ + b */
function project(pass: Pass, rows: number, count: number, target: number): void {
  const { engine, kind, hiddenSize } = pass;
  const { weightIh, biasIh, biasHh } = pass.weights;
  const [outputs, stride] = weightIh.shape;
  const input = { pointer: rows, stride };
  const matrix = { pointer: engine.use(weightIh), stride, transposed: true, tensor: weightIh };
  const mark = engine.memory.mark();
  let bias = 0;
  if (biasIh && biasHh) {
    // A GRU with the reset gate after the recurrent matmul adds b_hn inside it.
    const shared = kind === "gru-after" ? 2 * hiddenSize : outputs;
    bias = addBiases(engine, engine.use(biasIh), engine.use(biasHh), shared, outputs);
  }
  gemm(engine, count, outputs, stride, input, matrix, { pointer: target, stride: outputs }, { bias });
  engine.memory.release(mark);
}

/** b_ih + b_hh as far as they are `shared`, then b_ih alone: in the arena. */
function addBiases(
  engine: Engine,
  input: number,
  recurrent: number,
  shared: number,
  outputs: number,
): number {
  const sum = engine.memory.bump(4 * outputs);
  binary(engine, "add", input, recurrent, shared, sum, 1, shared);
  if (shared < outputs) copy(engine, sum + 4 * shared, input + 4 * shared, outputs - shared);
  return sum;
}

/** The gradients of rows, W_ih and both biases, from deltas[R, G·H] at the projected rows. */
function projectBack({ engine, kind, hiddenSize, weights }: Pass, rows: Tensor, deltas: number): void {
  const { weightIh, biasIh, biasHh } = weights;
  const [outputs, stride] = weightIh.shape;
  const count = rows.size / stride;
  const delta = { pointer: deltas, stride: outputs };
  const adding = { accumulate: true };
  if (rows.requiresGrad) {
    const wih = { pointer: weightIh.pointer, stride };
    const dx = { pointer: rows.gradient.pointer, stride };
    gemm(engine, count, stride, outputs, delta, wih, dx, adding);
  }
  if (weightIh.requiresGrad) {
    const dw = { pointer: weightIh.gradient.pointer, stride };
    const input = { pointer: engine.use(rows), stride };
    gemm(engine, outputs, stride, count, { ...delta, transposed: true }, input, dw, adding);
  }
  if (biasIh?.requiresGrad || biasHh?.requiresGrad) {
    const sums = engine.zeros([outputs]).pointer;
    addColumnSums(engine, sums, deltas, 0, count, outputs, outputs);
    if (biasIh?.requiresGrad) accumulate(engine, biasIh.gradient.pointer, sums, 1, outputs);
    // What reaches b_hn inside r⊙(…) differs: recurrentBackward adds it.
    const shared = kind === "gru-after" ? 2 * hiddenSize : outputs;
    if (biasHh?.requiresGrad) accumulate(engine, biasHh.gradient.pointer, sums, 1, shared);
  }
}
