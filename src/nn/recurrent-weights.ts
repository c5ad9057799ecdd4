import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { GATES, type RecurrentKind, type RecurrentWeights } from "../tensor/recurrent.ts";
import { Parameter, type Tensor } from "../tensor/tensor.ts";
import { orthogonal, uniform } from "./init.ts";
import { checkSize } from "./options.ts";

/*
 * The parameters of one pass of a recurrent layer, or of a cell, under PyTorch's names.
 */

export interface WeightOptions {
  inputSize: number;
  hiddenSize: number;
  bias: boolean;
  projSize?: number;
  recurrentInit?: "uniform" | "orthogonal";
  forgetBias?: number;
}

const NAMES = {
  weightIh: "weight_ih",
  weightHh: "weight_hh",
  biasIh: "bias_ih",
  biasHh: "bias_hh",
  weightHr: "weight_hr",
} as const satisfies Record<keyof RecurrentWeights, string>;

/** @throws ConfigError on an unknown nonlinearity. */
export function rnnKind(nonlinearity: "tanh" | "relu" = "tanh"): RecurrentKind {
  if (nonlinearity !== "tanh" && nonlinearity !== "relu") {
    throw new ConfigError(`nonlinearity must be "tanh" or "relu", got ${JSON.stringify(nonlinearity)}`);
  }
  return `rnn-${nonlinearity}`;
}

/** @throws ConfigError on an unknown initialisation, or a forget bias without a forget gate or without biases. */
export function checkInit(
  kind: RecurrentKind,
  options: { bias?: boolean; recurrentInit?: string; forgetBias?: number },
): void {
  const { bias = true, recurrentInit = "uniform", forgetBias } = options;
  if (recurrentInit !== "uniform" && recurrentInit !== "orthogonal") {
    throw new ConfigError(
      `recurrentInit must be "uniform" or "orthogonal", got ${JSON.stringify(recurrentInit)}`,
    );
  }
  if (forgetBias === undefined) return;
  if (kind !== "lstm") throw new ConfigError(`forgetBias belongs to the LSTM, got it for ${kind}`);
  if (!bias) throw new ConfigError("forgetBias needs biases, got bias: false");
  if (!Number.isFinite(forgetBias)) throw new ConfigError(`forgetBias must be finite, got ${forgetBias}`);
}

/** @throws ConfigError on a projection without an LSTM, or to a size that is not below hiddenSize. */
export function checkProjection(kind: RecurrentKind, projSize: number, hiddenSize: number): void {
  if (kind !== "lstm") throw new ConfigError(`projSize belongs to the LSTM, got it for ${kind}`);
  checkSize("projSize", projSize);
  if (projSize >= hiddenSize) {
    throw new ConfigError(`projSize must be below hiddenSize, ${hiddenSize}, got ${projSize}`);
  }
}

/** All uniform in ±1/√hiddenSize, as in PyTorch, but for what the options say. `suffix` goes behind the names. */
export function createWeights(
  engine: Engine,
  kind: RecurrentKind,
  options: WeightOptions,
  suffix: string,
): RecurrentWeights {
  const { inputSize, hiddenSize, bias, projSize, recurrentInit, forgetBias } = options;
  const rows = GATES[kind] * hiddenSize;
  const bound = 1 / Math.sqrt(hiddenSize);
  const make = (
    key: keyof RecurrentWeights,
    shape: number[],
    fill: (parameter: Parameter) => void = (parameter) => uniform(parameter, -bound, bound),
  ): Parameter => {
    const parameter = new Parameter(engine, shape, NAMES[key] + suffix);
    fill(parameter);
    return parameter;
  };
  const weights: RecurrentWeights = {
    weightIh: make("weightIh", [rows, inputSize]),
    weightHh: make(
      "weightHh",
      [rows, projSize ?? hiddenSize],
      recurrentInit === "orthogonal" ? (parameter) => orthogonal(parameter, GATES[kind]) : undefined,
    ),
    biasIh: bias ? make("biasIh", [rows]) : undefined,
    biasHh: bias ? make("biasHh", [rows]) : undefined,
    weightHr: projSize ? make("weightHr", [projSize, hiddenSize]) : undefined,
  };
  if (forgetBias !== undefined) {
    const forget = (bias: Tensor | undefined, value: number): void => {
      const at = ((bias?.pointer ?? 0) >>> 2) + hiddenSize;
      engine.memory.f32.fill(value, at, at + hiddenSize);
    };
    forget(weights.biasIh, forgetBias);
    forget(weights.biasHh, 0);
  }
  return weights;
}

/** The weights that there are, each with PyTorch's name. */
export function namedWeights(weights: RecurrentWeights): [string, Tensor][] {
  return Object.entries(NAMES).flatMap(([key, name]): [string, Tensor][] => {
    const weight = weights[key as keyof RecurrentWeights];
    return weight ? [[name, weight]] : [];
  });
}
