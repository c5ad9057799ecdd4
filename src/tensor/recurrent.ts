import type { Engine } from "../engine/engine.ts";
import { ShapeError } from "../errors.ts";
import { checkDimensions, checkType } from "./check.ts";
import { Lookup } from "./embedding.ts";
import { projectInput } from "./input-projection.ts";
import { moveRows, type Packing } from "./packing.ts";
import { recurrentBackward } from "./recurrent-backward.ts";
import { GATE_NAMES, GATES, type RecurrentKind, type RecurrentWeights, runPass } from "./recurrent-pass.ts";
import { copy } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

export { GATE_NAMES, GATES, type RecurrentKind, type RecurrentWeights };

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
 * however long the sequence. x [T, B, I] (packed: [N, I]), or ids [T, B] (packed: [N]) of a table [V, I]; h0 [B, P] and (LSTM) c0 [B, H]; the formulas are in
 * assembly/cells/.
 *
 * The history of states [T + 1, B, P] is one tensor: output and final state are views of it (the final states
 * of packed rows are gathered from it), so that their gradients add up where the backward kernel wants them, and h_{t−1} for all t lies ready
 * for dW_hh.
 * @throws ShapeError where shapes do not fit.
 */
export function recurrent(
  kind: RecurrentKind,
  x: Tensor | Lookup,
  h0: Tensor,
  c0: Tensor | undefined,
  weights: RecurrentWeights,
  options: PassOptions = {},
): RecurrentResult {
  const { reverse = false, packing, trace } = options;
  const gateCount = GATES[kind];
  const outputs = weights.weightHh.shape[0];
  const hiddenSize = outputs / gateCount;
  const stateSize = weights.weightHh.shape[1];
  const inputSize = weights.weightIh.shape[1];
  const [steps, batch] = checkInput(kind, x, inputSize, packing);
  const tokens = packing?.tokens ?? steps * batch;
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

  const { engine } = h0;
  const { memory } = engine;
  engine.use(weights.weightHh);
  if (weights.weightHr) engine.use(weights.weightHr);

  const hidden = createHistory(engine, kind, h0, steps, reverse, packing);
  const cell = c0 && createHistory(engine, `${kind} cell`, c0, steps, reverse, packing);
  const gates = memory.bump(4 * tokens * outputs);
  const extra = gateCount === 3 || weights.weightHr ? memory.bump(4 * tokens * hiddenSize) : 0;
  const sizes = { steps, batch, tokens, hiddenSize, stateSize };
  const pass = { engine, kind, reverse, packing, h0, c0, weights, ...sizes, hidden, cell, gates, extra };
  const input = projectInput(pass, x);
  runPass(pass);

  if (engine.tape) {
    const inputs = [input.source, h0, c0, ...Object.values(weights)];
    record(cell ? [hidden, cell] : [hidden], inputs, () => {
      recurrentBackward(pass);
      input.backward();
    });
  }
  trace?.({
    kind,
    reverse,
    weights,
    hidden,
    cell,
    gates: gateCount === 1 ? undefined : duplicate(engine, gates, [tokens, outputs]),
    packing,
  });

  return {
    output: hidden.view([steps, batch, stateSize], reverse ? 0 : batch * stateSize),
    hidden: finalState(hidden, reverse, packing),
    cell: cell && finalState(cell, reverse, packing),
  };
}

/** T and B. */
function checkInput(
  kind: RecurrentKind,
  x: Tensor | Lookup,
  inputSize: number,
  packing: Packing | undefined,
): readonly [number, number] {
  const tokens = packing ? [packing.tokens] : ["T", "B"];
  const places = x instanceof Lookup ? x.ids : x;
  if (x instanceof Lookup) {
    checkDimensions(`${kind}, ids`, x.ids, tokens);
    checkDimensions(`${kind}, table`, x.table, ["V", inputSize]);
  } else {
    checkType(kind, x, "f32");
    checkDimensions(`${kind}, input`, x, [...tokens, inputSize]);
  }
  return packing ? [packing.steps, packing.batch] : [places.shape[0], places.shape[1]];
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
