import type { Engine } from "../engine/engine.ts";
import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { gemm, packedBytes } from "./gemm.ts";
import { moveRows, type Packing } from "./packing.ts";
import { accumulate, addColumnSums, rowParts } from "./split.ts";
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

/** Their names, by how many there are: an Elman network's one "gate" is its state. */
export const GATE_NAMES: Record<number, readonly string[]> = {
  1: ["h"],
  3: ["r", "z", "n"],
  4: ["i", "f", "g", "o"],
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
  /** [G·H, P] */
  weightHh: Tensor;
  /** [G·H] */
  biasIh?: Tensor;
  biasHh?: Tensor;
  /** LSTM: W_hr [P, H], the projection of the state. Without it P is H. */
  weightHr?: Tensor;
}

export interface PassOptions {
  /** Read the sequence from its end to its beginning. */
  reverse?: boolean;
  /** Rows of several lengths: x is packed, the rows of states are sorted, as the packing says. */
  packing?: Packing;
  /** Receives what the pass computed. Costs a copy of the gates; nothing when left out. */
  trace?: (trace: RecurrentTrace) => void;
}

export interface RecurrentResult {
  /** h_1 … h_T: [T, B, P]. With a packing, its sorted rows, and nothing behind a row's end. */
  output: Tensor;
  /** The state after the last step: in reverse after step 0. [B, P]. */
  hidden: Tensor;
  /** LSTM: c likewise, [B, H]. */
  cell?: Tensor;
}

/**
 * What one layer's pass in one direction computed. Slot t of a history lies before step t and slot t + 1 after it;
 * in reverse the other way round. After backward(), the histories' gradients are the whole dL/dh and dL/dc: what
 * came from outside and what came through other steps.
 */
export interface RecurrentTrace {
  kind: RecurrentKind;
  reverse: boolean;
  weights: RecurrentWeights;
  /** [T + 1, B, P] */
  hidden: Tensor;
  /** LSTM: [T + 1, B, H]. */
  cell?: Tensor;
  /** LSTM and GRU: the activated gates [N, G·H], in PyTorch's order, N = T·B tokens. */
  gates?: Tensor;
  /** Where rows have several lengths: N real tokens, and histories that hold nothing behind a row's end. */
  packing?: Packing;
}

/**
 * One recurrent layer over a whole sequence, forward and (recorded on the tape) backward: a handful of kernel calls
 * however long the sequence. x [T, B, I] (packed: [N, I]), h0 [B, P] and (LSTM) c0 [B, H]; the formulas are in
 * assembly/cells/.
 *
 * The history of states [T + 1, B, P] is one tensor: output and final state are views of it (the final states
 * of packed rows are gathered from it), so that their gradients add up where the backward kernel wants them, and h_{t−1} for all t lies ready
 * for dW_hh.
 * @throws ShapeError where shapes do not fit.
 */
export function recurrent(
  kind: RecurrentKind,
  x: Tensor,
  h0: Tensor,
  c0: Tensor | undefined,
  weights: RecurrentWeights,
  options: PassOptions = {},
): RecurrentResult {
  const { reverse = false, packing, trace } = options;
  checkType(kind, x, "f32");
  const gateCount = GATES[kind];
  const outputs = weights.weightHh.shape[0];
  const hiddenSize = outputs / gateCount;
  const stateSize = weights.weightHh.shape[1];
  const inputSize = weights.weightIh.shape[1];
  checkDimensions(`${kind}, input`, x, packing ? [packing.tokens, inputSize] : ["T", "B", inputSize]);
  const { steps, batch } = packing ?? { steps: x.shape[0], batch: x.shape[1] };
  const rows = packing?.tokens ?? steps * batch;
  checkDimensions(`${kind}, initial hidden state`, h0, [batch, stateSize]);
  if (c0) checkDimensions(`${kind}, initial cell state`, c0, [batch, hiddenSize]);
  if (weights.weightHr) {
    checkDimensions(`${kind}, projection`, weights.weightHr, [stateSize, hiddenSize]);
  }
  if (!weights.biasIh !== !weights.biasHh) {
    throw new ShapeError(
      `${kind}: expected both biases or none, got only ${weights.biasIh ? "biasIh" : "biasHh"}`,
    );
  }

  const { engine } = x;
  const { memory } = engine;
  const isGru = gateCount === 3;
  const input = { pointer: engine.use(x), stride: inputSize };
  const wih = { pointer: engine.use(weights.weightIh), stride: inputSize };
  const whh = engine.use(weights.weightHh);
  const whr = weights.weightHr ? engine.use(weights.weightHr) : 0;
  const biasIh = weights.biasIh && engine.use(weights.biasIh);
  const biasHh = weights.biasHh && engine.use(weights.biasHh);

  const hidden = createHistory(engine, kind, h0, steps, reverse, packing);
  const cell = c0 && createHistory(engine, `${kind} cell`, c0, steps, reverse, packing);
  const gates = memory.bump(4 * rows * outputs);
  const extra = isGru || whr ? memory.bump(4 * rows * hiddenSize) : 0;

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
    stateSize,
    reverse: reverse ? 1 : 0,
    variant: VARIANT[kind],
    hidden: hidden.pointer,
    cell: cell?.pointer ?? 0,
    gates,
    extra,
    weights: whh,
    projection: whr,
    offsets: packing?.offsets.pointer ?? 0,
    candidateBias: kind === "gru-after" && biasHh ? biasHh + 8 * hiddenSize : 0,
  };
  const panels = packWeights(engine, kind, whh, whr, hiddenSize, stateSize, batch, true);
  const parts = recurrentParts(engine, batch, rows * outputs * stateSize);
  const scratchBytes = engine.kernels.gemmScratchBytes();
  const scratch = engine.scratch(scratchBytes);
  const forward = { ...pass, ...panels, dHidden: 0, dCell: 0, scratch };
  engine.run(
    isGru ? "gruForward" : cell ? "lstmForward" : "rnnForward",
    parts,
    engine.args("RecurrentArgs", forward, scratchBytes),
  );
  memory.release(mark);

  const states = cell ? [hidden, cell] : [hidden];
  const inputs = [x, h0, c0, ...Object.values(weights)];
  record(states, inputs, () => {
    const dHidden = hidden.gradient.pointer;
    const dCell = cell?.gradient.pointer ?? 0;
    const dx = x.requiresGrad ? x.gradient.pointer : 0;
    // The kernel writes its deltas over the gates.
    const deltas = gates;
    const mark = memory.mark();
    const panels = packWeights(engine, kind, whh, whr, hiddenSize, stateSize, batch, false);
    const scratchBytes = engine.kernels.gemmScratchBytes() + 4 * batch * hiddenSize;
    const scratch = engine.scratch(scratchBytes);
    const backward = { ...pass, ...panels, dHidden, dCell, scratch };
    engine.run(
      isGru ? "gruBackward" : cell ? "lstmBackward" : "rnnBackward",
      parts,
      engine.args("RecurrentArgs", backward, scratchBytes),
    );
    memory.release(mark);

    const delta = { pointer: deltas, stride: outputs };
    const adding = { accumulate: true };
    if (dx) gemm(engine, rows, inputSize, outputs, delta, wih, { pointer: dx, stride: inputSize }, adding);
    const { weightIh, weightHh, weightHr, biasIh, biasHh } = weights;
    if (weightIh.requiresGrad) {
      const dw = { pointer: weightIh.gradient.pointer, stride: inputSize };
      gemm(engine, outputs, inputSize, rows, { ...delta, transposed: true }, input, dw, adding);
    }
    if (weightHh.requiresGrad) {
      const dw = weightHh.gradient.pointer;
      const mark = memory.mark();
      const before = tokenRows(hidden, hidden.pointer, reverse, packing);
      // The blocks of W_hh: what reached their outputs, and what they were multiplied with.
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
        const a = { pointer: block.delta, stride: block.stride, transposed: true };
        const b = { pointer: block.source, stride: stateSize };
        const c = { pointer: dw + 4 * block.from * stateSize, stride: stateSize };
        gemm(engine, block.count, stateSize, rows, a, b, c, adding);
      }
      memory.release(mark);
    }
    if (weightHr?.requiresGrad) {
      const dw = weightHr.gradient.pointer;
      const mark = memory.mark();
      const pointer = tokenRows(hidden, dHidden, !reverse, packing);
      const c = { pointer: dw, stride: hiddenSize };
      const a = { pointer, stride: stateSize, transposed: true };
      gemm(engine, stateSize, hiddenSize, rows, a, { pointer: extra, stride: hiddenSize }, c, adding);
      memory.release(mark);
    }
    if (biasIh?.requiresGrad || biasHh?.requiresGrad) {
      const sums = engine.zeros([outputs]).pointer;
      addColumnSums(engine, sums, deltas, 0, rows, outputs, outputs);
      if (biasIh?.requiresGrad) accumulate(engine, biasIh.gradient.pointer, sums, 1, outputs);
      if (biasHh?.requiresGrad) {
        const db = biasHh.gradient.pointer;
        accumulate(engine, db, sums, 1, kind === "gru-after" ? 2 * hiddenSize : outputs);
        // Here b_hn stands inside r⊙(…), and what reaches it differs.
        if (kind === "gru-after") {
          addColumnSums(engine, db + 8 * hiddenSize, extra, 0, rows, hiddenSize, hiddenSize);
        }
      }
    }
    if (h0.requiresGrad) addInitialGradient(hidden, h0, reverse, packing);
    if (cell && c0?.requiresGrad) addInitialGradient(cell, c0, reverse, packing);
  });
  trace?.({
    kind,
    reverse,
    weights,
    hidden,
    cell,
    gates: gateCount === 1 ? undefined : duplicate(engine, gates, [rows, outputs]),
    packing,
  });

  return {
    output: hidden.view([steps, batch, stateSize], reverse ? 0 : batch * stateSize),
    hidden: finalState(hidden, reverse, packing),
    cell: cell && finalState(cell, reverse, packing),
  };
}

/**
 * Into how many parts a recurrence is split, by rows of the batch: a part takes all steps of its rows, so that threads
 * meet once a pass. Up to 16 rows make parts of 4, the height of a tile; more make parts of 8, so that a panel of
 * weights that comes from the second-level cache is used twice. A thread alone takes all rows at once, and each panel
 * once a step, which is 6 % faster (B = 32, H = 128): a row's bits are the same in a part of any size.
 */
function recurrentParts(engine: Engine, batch: number, products: number): number {
  if (engine.threads === 1) return 1;
  return engine.parts(Math.ceil(batch / (batch > 16 ? 8 : 4)), products / 20);
}

/** A history [T + 1, B, S] with the initial state in its slot; the kernel writes the others. */
function createHistory(
  engine: Engine,
  name: string,
  initial: Tensor,
  steps: number,
  reverse: boolean,
  packing: Packing | undefined,
): Tensor {
  const [batch, size] = initial.shape;
  const source = engine.use(initial);
  const history = engine.empty([steps + 1, batch, size], "f32", name);
  if (reverse && packing) {
    engine.run("moveRows", 1, history.pointer, packing.ends.pointer, size, source, 0, size, batch, size, 0);
  } else {
    copy(engine, history.pointer + (reverse ? 4 * steps * batch * size : 0), source, batch * size);
  }
  return history;
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

function finalState(history: Tensor, reverse: boolean, packing: Packing | undefined): Tensor {
  const [slots, batch, size] = history.shape;
  if (reverse) return history.view([batch, size]);
  if (!packing) return history.view([batch, size], (slots - 1) * batch * size);
  return moveRows([history], { count: batch, from: packing.ends }, [batch, size]);
}

function duplicate(engine: Engine, source: number, shape: readonly number[]): Tensor {
  const copied = engine.empty(shape, "f32", "gates");
  copy(engine, copied.pointer, source, copied.size);
  return copied;
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
  accumulate(engine, sum, biasHh, 1, shared);
  return sum;
}

/**
 * W_hhᵀ (forward) or W_hh (backward) in panels; the GRU's candidate block and the LSTM's projection W_hr apart. A
 * batch of one reads the weights themselves.
 */
function packWeights(
  engine: Engine,
  kind: RecurrentKind,
  weights: number,
  projection: number,
  hiddenSize: number,
  stateSize: number,
  batch: number,
  forward: boolean,
): { packed: number; packedSecond: number } {
  if (batch === 1) return { packed: 0, packedSecond: 0 };
  const pack = (source: number, outputs: number, inputs: number): number => {
    const [depth, columns] = forward ? [inputs, outputs] : [outputs, inputs];
    const target = engine.memory.bump(packedBytes(depth, columns));
    const parts = engine.parts(Math.ceil(columns / 32), 0.3 * outputs * inputs);
    engine.run("packRecurrent", parts, target, source, outputs, inputs, forward ? 1 : 0);
    return target;
  };
  if (GATES[kind] === 3) {
    const candidate = weights + 8 * hiddenSize * hiddenSize;
    return {
      packed: pack(weights, 2 * hiddenSize, hiddenSize),
      packedSecond: pack(candidate, hiddenSize, hiddenSize),
    };
  }
  return {
    packed: pack(weights, GATES[kind] * hiddenSize, stateSize),
    packedSecond: projection ? pack(projection, stateSize, hiddenSize) : 0,
  };
}
