import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { checkDimensions } from "../tensor/check.ts";
import { type RecurrentKind, type RecurrentWeights, recurrent } from "../tensor/recurrent.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { checkSize } from "./options.ts";
import { checkInit, createWeights, namedWeights, rnnKind } from "./recurrent-weights.ts";

export interface CellOptions {
  inputSize: number;
  hiddenSize: number;
  /** Default true: bias_ih and bias_hh, both, as in PyTorch. */
  bias?: boolean;
  /** How weight_hh starts: see RecurrentOptions. */
  recurrentInit?: "uniform" | "orthogonal";
}

/** The state of a cell: h [B, H], and c [B, H] for an LSTM. */
export interface CellState {
  h: Tensor;
  c?: Tensor;
}

/**
 * What the cells share: one step at a time, for loops in which a step's input depends on the output before. Where the
 * inputs are known beforehand the layers do the same much faster. Parameters as PyTorch's cells: `weight_ih`,
 * `weight_hh`, `bias_ih`, `bias_hh`.
 */
abstract class Cell extends Module {
  readonly engine: Engine;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly #kind: RecurrentKind;
  readonly #weights: RecurrentWeights;

  constructor(engine: Engine, kind: RecurrentKind, options: CellOptions & { forgetBias?: number }) {
    super();
    const { inputSize, hiddenSize, bias = true } = options;
    checkSize("inputSize", inputSize);
    checkSize("hiddenSize", hiddenSize);
    checkInit(kind, options);
    this.engine = engine;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.#kind = kind;
    const { recurrentInit, forgetBias } = options;
    this.#weights = createWeights(
      engine,
      kind,
      { inputSize, hiddenSize, bias, recurrentInit, forgetBias },
      "",
    );
  }

  /**
   * One step: x [B, inputSize] and the state before it (zeros if left out) to the state after it.
   * @throws ShapeError where shapes do not fit.
   */
  forward(x: Tensor, state?: CellState): CellState {
    const hasCell = this.#kind === "lstm";
    checkDimensions(`${this.#kind} cell, input`, x, ["B", this.inputSize]);
    const shape = [x.shape[0], this.hiddenSize];
    const { h, c } = state ?? { h: this.engine.zeros(shape), c: this.engine.zeros(shape) };
    if (hasCell && !c) throw new ConfigError("an LSTM's state has h and c, got h alone");
    const result = recurrent(this.#kind, x.view([1, ...x.shape]), h, hasCell ? c : undefined, this.#weights);
    return hasCell ? { h: result.hidden, c: result.cell } : { h: result.hidden };
  }

  protected override *members(): Generator<[string, unknown]> {
    yield* super.members();
    yield* namedWeights(this.#weights);
  }
}

/** One step of {@link RNN}. */
export class RNNCell extends Cell {
  constructor(engine: Engine, options: CellOptions & { nonlinearity?: "tanh" | "relu" }) {
    super(engine, rnnKind(options.nonlinearity), options);
  }
}

/** One step of {@link LSTM}. `forgetBias` as there. */
export class LSTMCell extends Cell {
  constructor(engine: Engine, options: CellOptions & { forgetBias?: number }) {
    super(engine, "lstm", options);
  }
}

/** One step of {@link GRU}. `resetAfter` as there. */
export class GRUCell extends Cell {
  constructor(engine: Engine, options: CellOptions & { resetAfter?: boolean }) {
    super(engine, options.resetAfter === false ? "gru-before" : "gru-after", options);
  }
}
