import type { Engine } from "../engine/engine.ts";
import { inEvaluation } from "../nn/evaluation.ts";
import type { Module } from "../nn/module.ts";
import { type LayerTrace, Recurrent } from "../nn/recurrent.ts";
import { GATE_NAMES, GATES, type RecurrentKind } from "../tensor/recurrent.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { gradientNorm } from "../train/clip.ts";
import type { Batch, Trainable } from "../train/interfaces.ts";
import { spectralRadius } from "./spectral-radius.ts";
import { splitGates } from "./split-gates.ts";

/*
 * What happens to gradients on their way back through time, as plain data for JSON, which has null for numbers that are
 * not finite: those of a gradient that has exploded beyond f32.
 */

export interface Diagnosis {
  /** The loss whose gradients these are. */
  loss: number;
  /** Of all parameters' gradients together: what clipping by norm compares with its limit. */
  gradientNorm: number;
  /** One entry for each layer in each direction, in the order in which they ran. */
  layers: LayerDiagnosis[];
}

export interface LayerDiagnosis {
  /** The dotted name of the module in the model, "" for the model itself; and the layer in it, from 0. */
  module: string;
  layer: number;
  direction: "forward" | "reverse";
  kind: RecurrentKind;
  /** T, B and H. */
  steps: number;
  batchSize: number;
  hiddenSize: number;
  /**
   * Norms of dL/dh by distance: element d belongs to the state d steps before the last one that the layer computed,
   * counted from each row's own end; the last element, T, to the initial state. The derivative is the whole one: what
   * came from outside (from a loss at that step, or the next layer) and what came through later steps. The norm is
   * over all rows and units. So with a loss at the last step alone d is the distance from the loss.
   */
  hiddenGradient: number[];
  /** LSTM: the same for dL/dc, what came through h included. */
  cellGradient?: number[];
  /**
   * By gate, the spectral radius of its block of W_hh (with a projection: of W_hr times it). Gates: `h` (RNN), `i`,
   * `f`, `g`, `o` (LSTM), `r`, `z`, `n` (GRU).
   */
  spectralRadius: Record<string, number>;
  /** By gate, how its activations were distributed over all steps, rows and units. */
  gates: Record<string, GateStatistics>;
  /** How long units remember: of f in an LSTM, of z in a GRU, whose share of the old state each step keeps. */
  memory?: MemoryStatistics;
}

export interface GateStatistics {
  mean: number;
  /** The share below 0.1 (sigmoid), below −0.9 (tanh) or at 0 (relu): shut, and nearly without gradient. */
  low: number;
  /** The share above 0.9 (sigmoid and tanh); 0 for relu. */
  high: number;
}

export interface MemoryStatistics {
  /** Mean of the forget gate over all steps, rows and units. */
  mean: number;
  /** Each unit's half-life in tokens, ln 0.5 / ln f with f its gate's mean; null where f is 1 and nothing fades. */
  halfLives: (number | null)[];
}

/**
 * Looks at one batch: a forward and a backward pass in evaluation mode (without dropout), from which every recurrent
 * layer inside the model is described. Weights are not changed; gradients are cleared.
 *
 * A loss at every step, as a language model's, feeds gradients in at every step. To see how far those of one step
 * reach, give a batch that predicts at that step alone: for {@link LanguageModel}, `targets` of −1 elsewhere.
 * @param carried the state to start from, as in {@link Trainable.loss}. Default: none.
 */
export function diagnose<B extends Batch>(
  model: Module & Pick<Trainable<B>, "engine" | "loss">,
  batch: B,
  carried: readonly Tensor[] = [],
): Diagnosis {
  return diagnoseLoss(model.engine, model, () => model.loss(batch, carried).loss);
}

/** As {@link diagnose}, for any module: `loss` runs it and returns a scalar. */
export function diagnoseLoss(engine: Engine, module: Module, loss: () => Tensor): Diagnosis {
  const recurrent: [string, Recurrent][] = [];
  for (const [name, part] of module.namedModules()) {
    if (part instanceof Recurrent) recurrent.push([name, part]);
  }
  for (const [, layer] of recurrent) layer.trace = [];
  try {
    module.zeroGradients();
    const step = (): Diagnosis => {
      const result = loss();
      result.backward();
      const layers = recurrent.flatMap(([name, { trace }]) =>
        (trace ?? []).map((pass) => describe(name, pass)),
      );
      return { loss: result.item(), gradientNorm: gradientNorm(module.parameters()), layers };
    };
    return inEvaluation(module, () => engine.step(step));
  } finally {
    for (const [, layer] of recurrent) layer.trace = undefined;
    module.zeroGradients();
  }
}

/** The gates that are tanh and not a sigmoid. */
const TANH_GATES = new Set(["h", "n", "g"]);

function describe(module: string, trace: LayerTrace): LayerDiagnosis {
  const { kind, layer, reverse, hidden, cell, weights } = trace;
  const [slots, batchSize] = hidden.shape;
  const hiddenSize = weights.weightHh.shape[0] / GATES[kind];
  const names = GATE_NAMES[GATES[kind]];
  const activations = readActivations(trace, hiddenSize);
  const gates = Object.fromEntries(
    names.map((name, gate) => [name, statistics(activations[gate], kind === "rnn-relu" ? "relu" : name)]),
  );
  const forget = kind === "lstm" ? names.indexOf("f") : names.indexOf("z");
  return {
    module,
    layer,
    direction: reverse ? "reverse" : "forward",
    kind,
    steps: slots - 1,
    batchSize,
    hiddenSize,
    hiddenGradient: gradientNorms(hidden, trace),
    ...(cell && { cellGradient: gradientNorms(cell, trace) }),
    spectralRadius: spectralRadii(trace, names, hiddenSize),
    gates,
    ...(forget >= 0 && { memory: memoryOf(activations[forget], hiddenSize) }),
  };
}

/** Of a history's gradient, by distance from each row's last state. */
function gradientNorms(history: Tensor, { reverse, packing }: LayerTrace): number[] {
  const [slots, batch, size] = history.shape;
  const values = history.gradient.toArray();
  const squares = new Float64Array(slots);
  for (let row = 0; row < batch; row++) {
    const length = packing ? packing.lengths[row] : slots - 1;
    for (let slot = 0; slot <= length; slot++) {
      const at = (slot * batch + row) * size;
      const distance = reverse ? slot : length - slot;
      for (let j = at; j < at + size; j++) squares[distance] += values[j] * values[j];
    }
  }
  return Array.from(squares, Math.sqrt);
}

/** For each gate its activations, token after token; an Elman network's are its states. */
function readActivations(trace: LayerTrace, hiddenSize: number): Float32Array[] {
  const { gates, hidden, reverse, packing } = trace;
  if (gates) return splitGates(gates, hiddenSize);
  const [slots, batch] = hidden.shape;
  const states = hidden.toArray() as Float32Array;
  const first = reverse ? 0 : 1;
  const rows: Float32Array[] = [];
  for (let t = 0; t < slots - 1; t++) {
    for (let row = 0; row < batch; row++) {
      if (packing && t >= packing.lengths[row]) continue;
      const at = ((t + first) * batch + row) * hiddenSize;
      rows.push(states.subarray(at, at + hiddenSize));
    }
  }
  const all = new Float32Array(rows.length * hiddenSize);
  for (const [i, state] of rows.entries()) all.set(state, i * hiddenSize);
  return [all];
}

function statistics(values: Float32Array, gate: string): GateStatistics {
  const lowest = gate === "relu" ? 0 : TANH_GATES.has(gate) ? -0.9 : 0.1;
  let sum = 0;
  let low = 0;
  let high = 0;
  for (const value of values) {
    sum += value;
    if (gate === "relu" ? value === 0 : value < lowest) low++;
    if (gate !== "relu" && value > 0.9) high++;
  }
  const count = values.length;
  return { mean: sum / count, low: low / count, high: high / count };
}

function memoryOf(values: Float32Array, units: number): MemoryStatistics {
  const sums = new Float64Array(units);
  for (const [i, value] of values.entries()) sums[i % units] += value;
  const means = Array.from(sums, (sum) => sum / (values.length / units));
  return {
    mean: means.reduce((total, mean) => total + mean, 0) / units,
    halfLives: means.map((f) => (f === 1 ? null : f === 0 ? 0 : Math.LN2 / -Math.log(f))),
  };
}

function spectralRadii(
  { weights }: LayerTrace,
  names: readonly string[],
  hiddenSize: number,
): Record<string, number> {
  const { weightHh, weightHr } = weights;
  const stateSize = weightHh.shape[1];
  const values = weightHh.toArray();
  const projection = weightHr?.toArray();
  const radii = names.map((name, gate): [string, number] => {
    const at = gate * hiddenSize * stateSize;
    const block = values.subarray(at, at + hiddenSize * stateSize);
    const square = projection ? product(projection, block, stateSize, hiddenSize) : block;
    return [name, spectralRadius(square, stateSize)];
  });
  return Object.fromEntries(radii);
}

/** a[n, k] · b[k, n] */
function product(a: ArrayLike<number>, b: ArrayLike<number>, n: number, k: number): Float64Array {
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < n; j++) c[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
  return c;
}
