import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { checkDimensions } from "../tensor/check.ts";
import { checkProbability, dropout } from "../tensor/dropout.ts";
import { GATES, type RecurrentKind, type RecurrentWeights, recurrent } from "../tensor/recurrent.ts";
import { concat } from "../tensor/shape.ts";
import { Parameter, type Tensor } from "../tensor/tensor.ts";
import { uniform } from "./init.ts";
import { Module } from "./module.ts";
import { checkSize } from "./options.ts";

export interface RecurrentOptions {
  inputSize: number;
  hiddenSize: number;
  /** Layers stacked on each other. Default 1. */
  numLayers?: number;
  /** Default true: b_ih and b_hh, both, as in PyTorch. */
  bias?: boolean;
  /** Probability of dropout on the outputs of every layer but the last. Default 0. */
  dropout?: number;
}

/** The state of all layers: h [numLayers, B, H], and c for an LSTM. */
export interface RecurrentState {
  h: Tensor;
  c?: Tensor;
}

/**
 * What RNN, LSTM and GRU share: stacked layers with PyTorch's parameter names (`weight_ih_l0`, `bias_hh_l1`, …), all
 * uniform in ±1/√hiddenSize at first.
 */
abstract class Recurrent extends Module {
  readonly engine: Engine;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly dropout: number;
  readonly #kind: RecurrentKind;
  readonly #layers: RecurrentWeights[] = [];

  constructor(engine: Engine, kind: RecurrentKind, options: RecurrentOptions) {
    super();
    const { inputSize, hiddenSize, numLayers = 1, bias = true, dropout = 0 } = options;
    checkSize("inputSize", inputSize);
    checkSize("hiddenSize", hiddenSize);
    checkSize("numLayers", numLayers);
    checkProbability("dropout", dropout);
    this.engine = engine;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.dropout = dropout;
    this.#kind = kind;
    const rows = GATES[kind] * hiddenSize;
    const bound = 1 / Math.sqrt(hiddenSize);
    for (let layer = 0; layer < numLayers; layer++) {
      const make = (name: string, shape: number[]): Parameter => {
        const parameter = new Parameter(engine, shape, `${name}_l${layer}`);
        uniform(parameter, -bound, bound);
        return parameter;
      };
      this.#layers.push({
        weightIh: make("weight_ih", [rows, layer === 0 ? inputSize : hiddenSize]),
        weightHh: make("weight_hh", [rows, hiddenSize]),
        biasIh: bias ? make("bias_ih", [rows]) : undefined,
        biasHh: bias ? make("bias_hh", [rows]) : undefined,
      });
    }
  }

  /**
   * Reads a batch of sequences. x [T, B, inputSize]; state: the layers' initial states, zeros if left out.
   * Returns the last layer's output [T, B, hiddenSize] and the state after the last step.
   * @throws ShapeError where shapes do not fit.
   */
  forward(x: Tensor, state?: RecurrentState): { output: Tensor; state: RecurrentState } {
    checkDimensions(`${this.#kind}, input`, x, ["T", "B", this.inputSize]);
    const batch = x.shape[1];
    const hasCell = this.#kind === "lstm";
    const start = state ?? this.zeroState(batch);
    const shape = [this.numLayers, batch, this.hiddenSize];
    checkDimensions(`${this.#kind}, state.h`, start.h, shape);
    if (hasCell) {
      if (!start.c) throw new ConfigError("an LSTM's state has h and c, got h alone");
      checkDimensions(`${this.#kind}, state.c`, start.c, shape);
    }
    const slot = batch * this.hiddenSize;
    const layerOf = (tensor: Tensor, layer: number): Tensor => tensor.view(shape.slice(1), layer * slot);
    const h: Tensor[] = [];
    const c: Tensor[] = [];
    let output = x;
    for (const [layer, weights] of this.#layers.entries()) {
      if (layer > 0 && this.training) output = dropout(output, this.dropout);
      const c0 = hasCell && start.c ? layerOf(start.c, layer) : undefined;
      const result = recurrent(this.#kind, output, layerOf(start.h, layer), c0, weights);
      output = result.output;
      h.push(result.hidden);
      if (result.cell) c.push(result.cell);
    }
    const stack = (states: Tensor[]): Tensor =>
      (states.length === 1 ? states[0] : concat(states, 0)).view(shape);
    return { output, state: hasCell ? { h: stack(h), c: stack(c) } : { h: stack(h) } };
  }

  /** A state of zeros for a batch of B rows. */
  zeroState(batch: number): RecurrentState {
    const shape = [this.numLayers, batch, this.hiddenSize];
    const h = this.engine.zeros(shape);
    return this.#kind === "lstm" ? { h, c: this.engine.zeros(shape) } : { h };
  }

  protected override *members(): Generator<[string, unknown]> {
    for (const [layer, weights] of this.#layers.entries()) {
      yield [`weight_ih_l${layer}`, weights.weightIh];
      yield [`weight_hh_l${layer}`, weights.weightHh];
      if (weights.biasIh) yield [`bias_ih_l${layer}`, weights.biasIh];
      if (weights.biasHh) yield [`bias_hh_l${layer}`, weights.biasHh];
    }
  }
}

/** Elman network (Elman 1990): h_t = f(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh), f = tanh or relu. */
export class RNN extends Recurrent {
  constructor(engine: Engine, options: RecurrentOptions & { nonlinearity?: "tanh" | "relu" }) {
    const { nonlinearity = "tanh" } = options;
    if (nonlinearity !== "tanh" && nonlinearity !== "relu") {
      throw new ConfigError(`nonlinearity must be "tanh" or "relu", got ${JSON.stringify(nonlinearity)}`);
    }
    super(engine, `rnn-${nonlinearity}`, options);
  }
}

/** Long short-term memory (Hochreiter & Schmidhuber 1997), gates in the order i, f, g, o. */
export class LSTM extends Recurrent {
  constructor(engine: Engine, options: RecurrentOptions) {
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
