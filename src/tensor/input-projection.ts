/**
 * What a recurrent layer makes of its input before the first step, W_ih x + b for all N tokens, and the way back. Where
 * tokens are rows of a small table, looked up by id, the table's V rows are projected instead, and each token's copied
 * from there: with V = 65, E = 64, H = 128 a training step of an LSTM on N = 2,048 tokens has 30 % less arithmetic to do,
 * for the same sums.
 */
import type { Engine } from "../engine/engine.ts";
import { EngineError } from "../errors.ts";
import { derivedLater, derivedNow, type Recipe } from "./derived.ts";
import { addLookedUp, checkLookup, Lookup, lookUp, rowsOf } from "./embedding.ts";
import { gemm } from "./gemm.ts";
import { GATES, type Pass, type RecurrentKind, type RecurrentWeights } from "./recurrent-pass.ts";
import { accumulate, addColumnSums, binary, copy } from "./split.ts";
import { Parameter, type Tensor } from "./tensor.ts";

/** In inference so many projected rows are kept at most: reading some hundred tokens, one by one, pays for them. */
export const MOST_KEPT = 256;

/** Whether a table's rows are projected, and not tokens: with fewer of those a row, copying costs as much as it saves. */
export function projectsTable(tokens: number, rows: number): boolean {
  return tokens >= 2 * rows;
}

/** A layer, of which only the way in matters here. */
interface Layer {
  engine: Engine;
  kind: RecurrentKind;
  weights: RecurrentWeights;
}

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
  checkLookup(x);
  const { table, ids } = x;
  engine.use(table);
  const rows = table.shape[0];
  const outputs = GATES[pass.kind] * pass.hiddenSize;
  if (projectsTable(tokens, rows)) {
    const mark = memory.mark();
    const projected = memory.bump(4 * rows * outputs);
    project(pass, engine.use(table), rows, projected);
    lookUp(engine, projected, ids, gates, outputs);
    memory.release(mark);
    return {
      source: table,
      backward: () => {
        const deltas = engine.zeros([rows, outputs]).pointer;
        addLookedUp(engine, deltas, ids, gates, outputs);
        projectBack(pass, table, deltas);
      },
    };
  }
  // Kept rows must not change what a text gives: see projectedTable.
  const recipe = tokens === 1 || engine.tallTiles ? projectedTable(pass, table) : undefined;
  const kept = engine.isInferring && recipe && derivedLater(engine, recipe);
  if (kept) {
    lookUp(engine, kept, ids, gates, outputs);
    return { source: table, backward: () => {} };
  }
  return projectRows(pass, rowsOf(x));
}

/** Between steps: the address of the table's rows W_ih x + b [V, G·H], which are kept; 0 if V is too large, or memory short. */
export function keptProjection(layer: Layer, table: Parameter): number {
  const recipe = projectedTable(layer, table);
  return recipe ? derivedNow(layer.engine, recipe) : 0;
}

/**
 * It has the bits of tokens that are read one by one: a single row's product has those of many rows only where it is made
 * from panels, as with tall tiles.
 */
function projectedTable(layer: Layer, table: Tensor): Recipe | undefined {
  const { engine, weights } = layer;
  const [rows, stride] = table.shape;
  const outputs = weights.weightIh.shape[0];
  const sources = [weights.weightIh, table, weights.biasIh, weights.biasHh].filter((one) => !!one);
  if (rows > MOST_KEPT || !areParameters(sources)) return undefined;
  return {
    sources,
    key: table,
    floats: rows * outputs,
    fill(target) {
      if (engine.tallTiles) project(layer, table.pointer, rows, target);
      else {
        for (let i = 0; i < rows; i++) {
          project(layer, table.pointer + 4 * i * stride, 1, target + 4 * i * outputs);
        }
      }
    },
  };
}

function areParameters(tensors: readonly Tensor[]): tensors is [Parameter, ...Parameter[]] {
  return tensors.every((tensor) => tensor instanceof Parameter);
}

function projectRows(pass: Pass, rows: Tensor): ProjectedInput {
  const { engine, tokens, gates } = pass;
  project(pass, engine.use(rows), tokens, gates);
  return { source: rows, backward: () => projectBack(pass, rows, gates) };
}

/** target[count, G·H] = rows[count, I] · W_ihᵀ + b */
function project(layer: Layer, rows: number, count: number, target: number): void {
  const { engine } = layer;
  const { weightIh } = layer.weights;
  const [outputs, stride] = weightIh.shape;
  const matrix = { pointer: engine.use(weightIh), stride, transposed: true, tensor: weightIh };
  const mark = engine.memory.mark();
  const { biasIh, biasHh } = layer.weights;
  const bias = biasIh && biasHh ? engine.memory.bump(4 * outputs) : 0;
  if (biasIh && biasHh) addBiases(layer, biasIh, biasHh, bias);
  const [a, c] = [
    { pointer: rows, stride },
    { pointer: target, stride: outputs },
  ];
  gemm(engine, count, outputs, stride, a, matrix, c, { bias });
  engine.memory.release(mark);
}

/** target[G·H] = b_ih + b_hh, without b_hn of a GRU whose reset gate comes after the recurrent matmul. */
function addBiases({ engine, kind }: Layer, biasIh: Tensor, biasHh: Tensor, target: number): void {
  const input = engine.use(biasIh);
  const shared = sharedBiases(kind, biasIh.size);
  binary(engine, "add", input, engine.use(biasHh), shared, target, 1, shared);
  if (shared < biasIh.size) copy(engine, target + 4 * shared, input + 4 * shared, biasIh.size - shared);
}

/** How many elements of b_hh are added where those of b_ih are: b_hn may stand inside r⊙(…). */
function sharedBiases(kind: RecurrentKind, outputs: number): number {
  return kind === "gru-after" ? (2 * outputs) / 3 : outputs;
}

/** Between steps: the address of b_ih + b_hh, as the input projection adds it, which is kept; 0 where there are none. */
export function keptBias(layer: Layer): number {
  const { biasIh, biasHh } = layer.weights;
  if (!(biasIh instanceof Parameter && biasHh instanceof Parameter)) return 0;
  const kept = derivedNow(layer.engine, {
    sources: [biasIh, biasHh],
    key: biasHh,
    floats: biasIh.size,
    fill: (target) => addBiases(layer, biasIh, biasHh, target),
  });
  if (!kept) throw new EngineError("out of memory: there is no room for the sum of two biases");
  return kept;
}

/** The gradients of rows, W_ih and both biases, from deltas[R, G·H] at the projected rows. */
function projectBack({ engine, kind, weights }: Pass, rows: Tensor, deltas: number): void {
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
    if (biasHh?.requiresGrad) {
      accumulate(engine, biasHh.gradient.pointer, sums, 1, sharedBiases(kind, outputs));
    }
  }
}
