import { ConfigError } from "../errors.ts";
import { checkCount, likeliest } from "../generate/sample.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { inEvaluation } from "../nn/evaluation.ts";
import type { LayerTrace } from "../nn/recurrent.ts";
import { GATE_NAMES, GATES, type RecurrentKind } from "../tensor/recurrent.ts";
import { softmax } from "../tensor/softmax.ts";
import { splitGates } from "./split-gates.ts";

/*
 * What a language model computes while it reads one text, as plain data: typed arrays that go to another thread
 * unchanged.
 */

export interface Activations {
  /** The text's tokens, T of them. */
  ids: Int32Array;
  layers: LayerActivations[];
  /** For each token the likeliest ones to follow it, by the model's own probabilities (temperature 1). */
  next: { id: number; probability: number }[][];
  /** The probability given to the token that does follow; NaN for the last, which none follows. */
  probabilities: Float32Array;
}

export interface LayerActivations {
  kind: RecurrentKind;
  /** I, H and P, the size of a state h: H, or an LSTM's projSize. */
  inputSize: number;
  hiddenSize: number;
  stateSize: number;
  /** What the layer read: [T, I]. */
  input: Float32Array;
  /** The states before the first token and after each: [T + 1, P]. */
  hidden: Float32Array;
  /** LSTM: likewise, [T + 1, H]. */
  cell?: Float32Array;
  /** By name, each [T, H]: `i`, `f`, `g`, `o` (LSTM), `r`, `z`, `n` (GRU); none for an Elman network. */
  gates: Record<string, Float32Array>;
}

/**
 * Reads ids with the model, in evaluation mode from a state of zeros, and returns what happened inside.
 * @param options.alternatives how many of the likeliest next tokens to list. Default 8.
 * @throws ConfigError if there are no ids, or `alternatives` is no integer from 0.
 */
export function activations(
  model: LanguageModel,
  ids: Int32Array,
  { alternatives = 8 }: { alternatives?: number } = {},
): Activations {
  checkCount("alternatives", alternatives);
  if (ids.length === 0) throw new ConfigError("the text is empty: expected at least one token to look at");
  const { engine, rnn } = model;
  const steps = ids.length;
  rnn.trace = [];
  try {
    const read = (): Activations => {
      const input = model.embedding.forward(engine.ids(ids, [steps, 1])).toArray() as Float32Array;
      const { logits } = model.forward(engine.ids(ids, [steps, 1]));
      const chances = softmax(logits).toArray() as Float32Array;
      const layers: LayerActivations[] = [];
      for (const trace of rnn.trace ?? []) {
        const below = layers.at(-1);
        layers.push(readLayer(trace, below ? below.hidden.subarray(below.stateSize) : input));
      }
      const { vocabSize } = model.config;
      const rows = Array.from({ length: steps }, (_, t) =>
        chances.subarray(t * vocabSize, (t + 1) * vocabSize),
      );
      return {
        ids,
        layers,
        next: rows.map((row) => likeliest(row, alternatives)),
        probabilities: Float32Array.from(rows, (row, t) => row[ids[t + 1]] ?? Number.NaN),
      };
    };
    return inEvaluation(model, () => engine.infer(read));
  } finally {
    rnn.trace = undefined;
  }
}

function readLayer(
  { kind, hidden, cell, gates, weights }: LayerTrace,
  input: Float32Array,
): LayerActivations {
  const stateSize = hidden.shape[2];
  const hiddenSize = weights.weightHh.shape[0] / GATES[kind];
  const names = GATE_NAMES[GATES[kind]];
  const split = gates ? splitGates(gates, hiddenSize) : [];
  return {
    kind,
    inputSize: weights.weightIh.shape[1],
    hiddenSize,
    stateSize,
    input: input.slice(),
    hidden: hidden.toArray() as Float32Array,
    ...(cell && { cell: cell.toArray() as Float32Array }),
    gates: Object.fromEntries(split.map((values, gate) => [names[gate], values])),
  };
}

/** One gate of one unit, step by step: the terms of the sum in its activation. */
export interface GateTerms {
  /** W_ih x_t, [T]: the products with what the layer read. */
  input: Float64Array;
  /** W_hh h_{t−1}, [T]. */
  recurrent: Float64Array;
  biasIh: number;
  biasHh: number;
}

/**
 * What a unit's equations add up, by gate (`h` for an Elman network): computed here in f64 from the weights and the
 * activations, so that σ or tanh of the sum is what the kernels computed in f32, up to rounding. A GRU's candidate has its
 * reset gate besides: n = tanh(input + biasIh + r⊙(recurrent + biasHh)); with the reset gate before the matmul it reads r⊙h
 * in place of h.
 * @throws ConfigError if there is no such layer or unit.
 */
export function gateTerms(
  model: LanguageModel,
  { layers }: Activations,
  layer: number,
  unit: number,
): Record<string, GateTerms> {
  const found = layers[layer];
  if (!found) throw new ConfigError(`layer: expected one from 0 to ${layers.length - 1}, got ${layer}`);
  const { kind, inputSize, hiddenSize, stateSize, input, hidden, gates } = found;
  if (!(Number.isInteger(unit) && unit >= 0 && unit < hiddenSize)) {
    throw new ConfigError(`unit: expected one from 0 to ${hiddenSize - 1}, got ${unit}`);
  }
  const weights = new Map(model.rnn.namedParameters());
  const read = (name: string): ArrayLike<number> => weights.get(`${name}_l${layer}`)?.toArray() ?? [];
  const [weightIh, weightHh, biasIh, biasHh] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(read);
  const steps = input.length / inputSize;
  const terms = GATE_NAMES[GATES[kind]].map((name, gate): [string, GateTerms] => {
    const row = gate * hiddenSize + unit;
    const reset = kind === "gru-before" && name === "n" ? gates.r : undefined;
    const inputs = new Float64Array(steps);
    const recurrent = new Float64Array(steps);
    for (let t = 0; t < steps; t++) {
      for (let i = 0; i < inputSize; i++)
        inputs[t] += weightIh[row * inputSize + i] * input[t * inputSize + i];
      for (let j = 0; j < stateSize; j++) {
        const h = hidden[t * stateSize + j] * (reset ? reset[t * hiddenSize + j] : 1);
        recurrent[t] += weightHh[row * stateSize + j] * h;
      }
    }
    return [name, { input: inputs, recurrent, biasIh: biasIh[row] ?? 0, biasHh: biasHh[row] ?? 0 }];
  });
  return Object.fromEntries(terms);
}
