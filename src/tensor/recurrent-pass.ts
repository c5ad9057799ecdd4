/** One layer's pass over a sequence in one direction: what forward and backward share, and the call of the kernel. */

import type { Engine } from "../engine/engine.ts";
import { RecurrentArgs } from "../engine/layouts.ts";
import type { Packing } from "./packing.ts";
import { packPanels } from "./panels.ts";
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

const KERNELS = {
  "rnn-tanh": ["rnnForward", "rnnBackward"],
  "rnn-relu": ["rnnForward", "rnnBackward"],
  lstm: ["lstmForward", "lstmBackward"],
  "gru-after": ["gruForward", "gruBackward"],
  "gru-before": ["gruForward", "gruBackward"],
} as const;

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

export interface Pass {
  engine: Engine;
  kind: RecurrentKind;
  reverse: boolean;
  packing: Packing | undefined;
  h0: Tensor;
  c0: Tensor | undefined;
  weights: RecurrentWeights;
  /** T, B, N, H and P, as in assembly/cells/recurrent.ts. */
  steps: number;
  batch: number;
  tokens: number;
  hiddenSize: number;
  stateSize: number;
  /** [T + 1, B, P] and, for an LSTM, [T + 1, B, H]. */
  hidden: Tensor;
  cell: Tensor | undefined;
  /** Addresses: [N, G·H]; GRU and projection: [N, H]. */
  gates: number;
  extra: number;
}

/** Runs the forward kernel or, with the gradients of the histories, the backward one. */
export function runPass(pass: Pass, gradients?: { dHidden: number; dCell: number }): void {
  const { engine, kind, reverse, packing, weights, steps, batch, tokens, hiddenSize, stateSize } = pass;
  const { weightHh, weightHr, biasHh } = weights;
  const outputs = GATES[kind] * hiddenSize;
  const mark = engine.memory.mark();
  const scratchBytes = engine.kernels.gemmScratchBytes() + (gradients ? 4 * (batch + 1) * hiddenSize : 0);
  const args = {
    steps,
    batch,
    hiddenSize,
    stateSize,
    reverse: reverse ? 1 : 0,
    variant: VARIANT[kind],
    hidden: pass.hidden.pointer,
    cell: pass.cell?.pointer ?? 0,
    gates: pass.gates,
    extra: pass.extra,
    weights: weightHh.pointer,
    packed: 0,
    projection: weightHr?.pointer ?? 0,
    packedSecond: 0,
    offsets: packing?.offsets.pointer ?? 0,
    candidateBias: kind === "gru-after" && biasHh ? biasHh.pointer + 8 * hiddenSize : 0,
    dHidden: gradients?.dHidden ?? 0,
    dCell: gradients?.dCell ?? 0,
    scratch: 0,
    tall: engine.tallTiles ? 1 : 0,
    input: 0,
  };
  // A batch of one reads the weights themselves where panels would be slower (assembly/matmul/gemv.ts).
  if (batch > 1 || engine.tallTiles) {
    const panels = (tensor: Tensor, from: number, outputs: number): number => {
      const inputs = tensor.shape[1];
      const matrix = { pointer: tensor.pointer + 4 * from * inputs, stride: inputs, tensor };
      return gradients
        ? packPanels(engine, matrix, outputs, inputs, tokens)
        : packPanels(engine, { ...matrix, transposed: true }, inputs, outputs, tokens);
    };
    // The GRU's candidate block is multiplied apart.
    const first = GATES[kind] === 3 ? 2 * hiddenSize : outputs;
    args.packed = panels(weightHh, 0, first);
    if (first < outputs) args.packedSecond = panels(weightHh, first, hiddenSize);
    else if (weightHr) args.packedSecond = panels(weightHr, 0, stateSize);
  }
  args.scratch = engine.scratch(scratchBytes);
  const parts = recurrentParts(engine, batch, tokens * outputs * stateSize);
  const kernel = KERNELS[kind][gradients ? 1 : 0];
  engine.run(kernel, parts, engine.args(RecurrentArgs, args, scratchBytes));
  engine.memory.release(mark);
}

/** Rows of a part of a recurrence are a multiple of a tile's, and at most so many: with more, threads would wait for one. */
const PART_GRAIN = 4;
const LARGEST_PART = 16;

/**
 * Into how many parts a recurrence is split, by rows of the batch: a part takes all steps of its rows, so that threads
 * meet once a pass. Each part reads all weights at every step, from the second-level cache, and tall tiles need rows: so
 * there are no more parts than keep all threads busy. A thread alone takes all rows at once, which is 6 % faster (B = 32,
 * H = 128). A row's bits are the same in a part of any size.
 */
function recurrentParts(engine: Engine, batch: number, products: number): number {
  const { threads } = engine;
  if (threads === 1) return 1;
  const rows = Math.min(LARGEST_PART, PART_GRAIN * Math.ceil(batch / threads / PART_GRAIN));
  return engine.parts(Math.ceil(batch / rows), products / 20);
}
