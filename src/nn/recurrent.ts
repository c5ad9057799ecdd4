import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { checkDimensions, checkType } from "../tensor/check.ts";
import { checkProbability, dropout } from "../tensor/dropout.ts";
import { Lookup } from "../tensor/embedding.ts";
import { createPacking, moveRows, pack, packIds, packStates, unpackStates } from "../tensor/packing.ts";
import {
  type RecurrentKind,
  type RecurrentTrace,
  type RecurrentWeights,
  recurrent,
} from "../tensor/recurrent.ts";
import { concat } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { checkSize } from "./options.ts";
import { checkInit, checkProjection, createWeights, namedWeights, rnnKind } from "./recurrent-weights.ts";

export interface RecurrentOptions {
  inputSize: number;
  hiddenSize: number;
  /** Layers stacked on each other. Default 1. */
  numLayers?: number;
  /** Default true: b_ih and b_hh, both, as in PyTorch. */
  bias?: boolean;
  /** Probability of dropout on the outputs of every layer but the last. Default 0. */
  dropout?: number;
  /**
   * Reads each sequence from both ends (Schuster & Paliwal 1997): a layer's output is the forward one and the reverse
   * one side by side. Default false.
   */
  bidirectional?: boolean;
  /** How W_hh starts: "uniform" as in PyTorch (default), or "orthogonal", each gate's block (Saxe et al. 2014). */
  recurrentInit?: "uniform" | "orthogonal";
}

export interface LSTMOptions extends RecurrentOptions {
  /** Projects the state to this size, below hiddenSize: h = W_hr (o⊙tanh c) (Sak et al. 2014). Default: no projection. */
  projSize?: number;
  /** What the forget gate's bias b_ih + b_hh starts at; 1 keeps memories at first (Gers et al. 2000). Default: random. */
  forgetBias?: number;
}

/**
 * The state of all layers: h [D·numLayers, B, P], and c [D·numLayers, B, H] for an LSTM; D directions, layer 0's
 * first. P is hiddenSize, or an LSTM's projSize.
 */
export interface RecurrentState {
  h: Tensor;
  c?: Tensor;
}

/** What one layer computed in one direction, and which layer it was. */
export interface LayerTrace extends RecurrentTrace {
  layer: number;
}

/**
 * What RNN, LSTM and GRU share: stacked layers in one direction or both, with PyTorch's parameter names
 * (`weight_ih_l0`, `bias_hh_l1_reverse`, …), all uniform in ±1/√hiddenSize at first.
 */
export abstract class Recurrent extends Module {
  readonly engine: Engine;
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** P, the size of a state h. */
  readonly stateSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly dropout: number;
  /** While it is a list, forward() adds to it what each layer computed in each direction: for instruments. */
  trace: LayerTrace[] | undefined;
  readonly #kind: RecurrentKind;
  /** Layer after layer, each forward and then in reverse. */
  readonly #passes: { layer: number; reverse: boolean; weights: RecurrentWeights }[] = [];

  constructor(engine: Engine, kind: RecurrentKind, options: LSTMOptions) {
    super();
    const { inputSize, hiddenSize, numLayers = 1, bias = true, dropout = 0, bidirectional = false } = options;
    const { projSize } = options;
    checkSize("inputSize", inputSize);
    checkSize("hiddenSize", hiddenSize);
    checkSize("numLayers", numLayers);
    checkProbability("dropout", dropout);
    if (projSize !== undefined) checkProjection(kind, projSize, hiddenSize);
    checkInit(kind, options);
    this.engine = engine;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.stateSize = projSize ?? hiddenSize;
    this.numLayers = numLayers;
    this.bidirectional = bidirectional;
    this.dropout = dropout;
    this.#kind = kind;
    for (let layer = 0; layer < numLayers; layer++) {
      for (const reverse of bidirectional ? [false, true] : [false]) {
        const inputs = layer === 0 ? inputSize : this.outputSize;
        const weights = createWeights(
          engine,
          kind,
          { ...options, inputSize: inputs, bias },
          suffix(layer, reverse),
        );
        this.#passes.push({ layer, reverse, weights });
      }
    }
  }

  /** The size of an output: P, or 2·P in both directions. */
  get outputSize(): number {
    return this.bidirectional ? 2 * this.stateSize : this.stateSize;
  }

  /**
   * Reads a batch of sequences. x [T, B, inputSize], or from {@link Embedding.lookup} the ids [T, B] of rows of a table,
   * which saves projecting a row once for each of its tokens; state: the layers' initial states, zeros if left out.
   * `lengths`: how many steps each row has, 0 to T, not all 0, where rows differ (default: all T). What lies behind
   * a row's end is padding: it is not computed on, touches no state and no gradient, and its output is zero; the
   * reverse direction starts at each row's own end.
   * Returns the last layer's output [T, B, outputSize] and each row's state after its last step (in reverse: after
   * step 0).
   * @throws ShapeError where shapes do not fit, or a length is out of range.
   */
  forward(
    x: Tensor | Lookup,
    state?: RecurrentState,
    options: { lengths?: ArrayLike<number> } = {},
  ): { output: Tensor; state: RecurrentState } {
    const isLookup = x instanceof Lookup;
    if (isLookup) checkDimensions(`${this.#kind}, ids`, x.ids, ["T", "B"]);
    else {
      checkType(`${this.#kind}, input`, x, "f32");
      checkDimensions(`${this.#kind}, input`, x, ["T", "B", this.inputSize]);
    }
    const [steps, batch] = isLookup ? x.ids.shape : x.shape;
    const start = this.#checkState(state ?? this.zeroState(batch), batch);
    const { lengths } = options;
    const isRagged = lengths && !(lengths.length === batch && Array.from(lengths).every((n) => n === steps));
    const packing = isRagged ? createPacking(this.engine, steps, batch, lengths) : undefined;
    /** One pass's rows of a state, and the way back. */
    const take = (states: Tensor, index: number): Tensor => {
      const size = states.shape[2];
      const rows = states.view([batch, size], index * batch * size);
      return packing ? moveRows([rows], { count: batch, from: packing.order }, rows.shape) : rows;
    };
    const give = (rows: Tensor): Tensor =>
      packing ? moveRows([rows], { count: batch, from: packing.inverse }, rows.shape) : rows;

    const h: Tensor[] = [];
    const c: Tensor[] = [];
    let input = x;
    if (packing) input = isLookup ? new Lookup(x.table, packIds(x.ids, packing)) : pack(x, packing);
    let outputs: Tensor[] = [];
    for (const [index, { layer, reverse, weights }] of this.#passes.entries()) {
      if (layer > 0 && !reverse) {
        const states = packing ? packStates(outputs, packing) : join(outputs);
        outputs = [];
        input = this.training ? dropout(states, this.dropout) : states;
      }
      const c0 = start.c && take(start.c, index);
      const { trace } = this;
      const result = recurrent(this.#kind, input, take(start.h, index), c0, weights, {
        reverse,
        packing,
        trace: trace && ((pass) => trace.push({ layer, ...pass })),
      });
      outputs.push(result.output);
      h.push(give(result.hidden));
      if (result.cell) c.push(give(result.cell));
    }
    const stack = (states: Tensor[]): Tensor =>
      (states.length === 1 ? states[0] : concat(states, 0)).view([states.length, batch, states[0].shape[1]]);
    return {
      output: packing ? unpackStates(outputs, packing) : join(outputs),
      state: start.c ? { h: stack(h), c: stack(c) } : { h: stack(h) },
    };
  }

  /** A state of zeros for a batch of B rows. */
  zeroState(batch: number): RecurrentState {
    const passes = this.#passes.length;
    const h = this.engine.zeros([passes, batch, this.stateSize]);
    return this.#kind === "lstm" ? { h, c: this.engine.zeros([passes, batch, this.hiddenSize]) } : { h };
  }

  #checkState(state: RecurrentState, batch: number): RecurrentState {
    const passes = this.#passes.length;
    checkDimensions(`${this.#kind}, state.h`, state.h, [passes, batch, this.stateSize]);
    if (this.#kind !== "lstm") return { h: state.h };
    if (!state.c) throw new ConfigError("an LSTM's state has h and c, got h alone");
    checkDimensions(`${this.#kind}, state.c`, state.c, [passes, batch, this.hiddenSize]);
    return state;
  }

  protected override *members(): Generator<[string, unknown]> {
    yield* super.members();
    for (const { layer, reverse, weights } of this.#passes) {
      const end = suffix(layer, reverse);
      for (const [name, parameter] of namedWeights(weights)) yield [name + end, parameter];
    }
  }
}

function suffix(layer: number, reverse: boolean): string {
  return `_l${layer}${reverse ? "_reverse" : ""}`;
}

/** Both directions side by side. */
function join(outputs: readonly Tensor[]): Tensor {
  return outputs.length === 1 ? outputs[0] : concat(outputs, outputs[0].rank - 1);
}

/** Elman network (Elman 1990): h_t = f(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh), f = tanh or relu. */
export class RNN extends Recurrent {
  constructor(engine: Engine, options: RecurrentOptions & { nonlinearity?: "tanh" | "relu" }) {
    super(engine, rnnKind(options.nonlinearity), options);
  }
}

/** Long short-term memory (Hochreiter & Schmidhuber 1997), gates in the order i, f, g, o. */
export class LSTM extends Recurrent {
  constructor(engine: Engine, options: LSTMOptions) {
    super(engine, "lstm", options);
  }
}

/**
 * Gated recurrent unit (Cho et al. 2014), gates in the order r, z, n; z keeps the old state:
 * h_t = (1 − z)⊙n + z⊙h_{t−1}. `resetAfter` (default, PyTorch's and cuDNN's form): n = tanh(W_in x + b_in + r⊙(W_hn h
 * + b_hn)); without it, as in the paper: n = tanh(W_in x + b_in + W_hn(r⊙h) + b_hn).
 */
export class GRU extends Recurrent {
  constructor(engine: Engine, options: RecurrentOptions & { resetAfter?: boolean }) {
    super(engine, options.resetAfter === false ? "gru-before" : "gru-after", options);
  }
}
