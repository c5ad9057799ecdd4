import { beforeAll, describe, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { RecurrentArgs } from "../../src/engine/layouts.ts";
import { gruBackward, gruForward } from "../../src/reference/gru.ts";
import { lstmBackward, lstmForward } from "../../src/reference/lstm.ts";
import { projectInput } from "../../src/reference/recurrent.ts";
import { rnnBackward, rnnForward } from "../../src/reference/rnn.ts";
import { packedBytes } from "../../src/tensor/panels.ts";
import { GATES, type RecurrentKind } from "../../src/tensor/recurrent.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { type Placed, place, placeIds, runReversed } from "../helpers/place.ts";
import { random } from "../helpers/random.ts";
import { randomIds } from "../helpers/random-ids.ts";

const TOLERANCE = 1e-5;
const inputSize = 3;
const kinds = Object.keys(GATES) as RecurrentKind[];
const isReset = (kind: RecurrentKind) => kind === "gru-before";

interface Form {
  steps: number;
  batch: number;
  hiddenSize: number;
  reverse: boolean;
  /** LSTM: the size of a projected state. */
  projSize?: number;
  /** Whether rows end at different steps, the longest first, some before the first step. */
  ragged: boolean;
}

const forms: Form[] = [];
for (const steps of [1, 3, 7]) {
  for (const batch of [1, 2, 5, 17]) {
    for (const hiddenSize of [1, 3, 5, 8, 17, 64]) {
      for (const reverse of [false, true]) {
        for (const ragged of [false, true]) forms.push({ steps, batch, hiddenSize, reverse, ragged });
      }
    }
  }
}

/** A layer's inputs, and what the reference makes of them. Arrays that a kind does not have are empty. */
function referenceLayer(kind: RecurrentKind, form: Form) {
  const { steps, batch, hiddenSize, reverse, ragged, projSize } = form;
  const width = GATES[kind] * hiddenSize;
  const stateSize = projSize ?? hiddenSize;
  const lengths = ragged ? randomIds(batch, 9, steps + 1).sort((a, b) => b - a) : undefined;
  const options = {
    steps,
    batch,
    inputSize,
    hiddenSize,
    stateSize,
    reverse,
    lengths,
    x: random(steps * batch * inputSize, 1),
    h0: random(batch * stateSize, 2),
    c0: random(batch * hiddenSize, 3),
    weightIh: random(width * inputSize, 4),
    weightHh: random(width * stateSize, 5, 1 / Math.sqrt(hiddenSize)),
    biasIh: random(width, 6),
    biasHh: random(width, 7),
    weightHr: projSize ? random(projSize * hiddenSize, 8) : undefined,
  };
  const outside = {
    dHidden: onSlots(batch, stateSize, lengths, random((steps + 1) * batch * stateSize, 10)),
    dCell: onSlots(batch, hiddenSize, lengths, random((steps + 1) * batch * hiddenSize, 11)),
  };
  const none = new Float32Array(0);
  const blank = { cell: none, gates: none, extra: none, dCell: none, dExtra: none };
  if (kind === "lstm") {
    const state = lstmForward(options);
    const { dHidden, dCell, dGates } = lstmBackward({ ...options, ...state, ...outside });
    const { hidden, cell, gates, products } = state;
    const history = { hidden, cell, gates, extra: products, dExtra: products };
    return { options, outside, ...blank, ...history, dHidden, dCell, dGates };
  }
  if (kind === "rnn-tanh" || kind === "rnn-relu") {
    const rnn = { ...options, nonlinearity: kind === "rnn-tanh" ? ("tanh" as const) : ("relu" as const) };
    const state = rnnForward(rnn);
    const { dHidden, dGates } = rnnBackward({ ...rnn, ...state, ...outside });
    return { options, outside, ...blank, ...state, dHidden, dGates };
  }
  const gru = { ...options, resetAfter: !isReset(kind) };
  const state = gruForward(gru);
  const { dHidden, dGates, dCandidate } = gruBackward({ ...gru, ...state, ...outside });
  // With the reset before, r⊙h stays where it is: it is what dW_hn is made from.
  const dExtra = isReset(kind) ? state.candidate : dCandidate;
  const { hidden, gates, candidate } = state;
  return { options, outside, ...blank, hidden, gates, extra: candidate, dHidden, dGates, dExtra };
}

/** The same with zeros in the slots behind a row's last: no gradient reaches them, and the kernels leave them alone. */
function onSlots(
  batch: number,
  size: number,
  lengths: Int32Array | undefined,
  history: Float32Array,
  others = 0,
): Float32Array {
  return lengths ? history.map((x, i) => (isSlot(i, batch, size, lengths) ? x : others)) : history;
}

function isSlot(index: number, batch: number, size: number, lengths: Int32Array): boolean {
  const row = Math.floor(index / size);
  return Math.floor(row / batch) <= lengths[row % batch];
}

/** The rows of real tokens of [T, B, width], step after step: what a kernel keeps of gates. */
function packTokens({ options }: Layer, values: Float32Array): Float32Array {
  const { steps, batch, lengths } = options;
  const width = values.length / (steps * batch);
  const isReal = (_: number, i: number): boolean => {
    const row = Math.floor(i / width);
    return Math.floor(row / batch) < (lengths?.[row % batch] ?? steps);
  };
  return values.filter(isReal);
}

/** A history as a kernel leaves it: what was there before in the slots behind a row's last. */
function packHistory({ options }: Layer, values: Float32Array, before: number): Float32Array {
  const { steps, batch, lengths } = options;
  return onSlots(batch, values.length / ((steps + 1) * batch), lengths, values, before);
}

/** [T + 1]: where each step's tokens begin. */
function offsetsOf(steps: number, lengths: Int32Array): Int32Array {
  const alive = Array.from({ length: steps }, (_, t) => lengths.filter((length) => length > t).length);
  return Int32Array.from({ length: steps + 1 }, (_, t) => alive.slice(0, t).reduce((sum, n) => sum + n, 0));
}

type Layer = ReturnType<typeof referenceLayer>;

/** What both passes take, W_hh packed for one of them as the host packs it. */
function pass(engine: Engine, kind: RecurrentKind, { options }: Layer, forward: boolean) {
  const { steps, batch, hiddenSize, stateSize, reverse, lengths, weightHh, weightHr, biasHh } = options;
  const { kernels } = engine;
  const weights = place(engine, weightHh).pointer;
  const projection = weightHr ? place(engine, weightHr).pointer : 0;
  const pack = (source: number, outputs: number, inputs: number): number => {
    // A batch of one reads weights in panels or as they are.
    if (batch === 1 && engine.build === "simd") return 0;
    const [depth, columns] = forward ? [inputs, outputs] : [outputs, inputs];
    const target = place(engine, packedBytes(depth, columns) / 4).pointer;
    runReversed(2, (part, parts) =>
      kernels.packPanels(target, source, inputs, Number(forward), depth, columns, part, parts),
    );
    return target;
  };
  const gates = GATES[kind];
  const second = (): number => {
    if (gates === 3) return pack(weights + 8 * hiddenSize * hiddenSize, hiddenSize, hiddenSize);
    return projection ? pack(projection, stateSize, hiddenSize) : 0;
  };
  return {
    steps,
    batch,
    hiddenSize,
    stateSize,
    reverse: Number(reverse),
    variant: Number(kind === "rnn-relu" || isReset(kind)),
    weights,
    packed: pack(weights, (gates === 3 ? 2 : gates) * hiddenSize, stateSize),
    projection,
    packedSecond: second(),
    offsets: lengths ? placeIds(engine, offsetsOf(steps, lengths)).pointer : 0,
    candidateBias: kind === "gru-after" ? place(engine, biasHh.subarray(2 * hiddenSize)).pointer : 0,
    scratch: place(engine, kernels.gemmScratchBytes() / 4 + (batch + 1) * hiddenSize).pointer,
    tall: Number(engine.tallTiles),
    input: 0,
  };
}

function readAll<K extends string>(placed: Record<K, Placed>): Record<K, Float32Array> {
  const entries = Object.entries<Placed>(placed).map(([name, array]) => [name, array.read()]);
  return Object.fromEntries(entries) as Record<K, Float32Array>;
}

/** Puts the initial state where the first step of each row reads it: in reverse, behind its last token. */
function setInitial(options: Layer["options"], history: Float32Array, initial: Float32Array): void {
  const { steps, batch, reverse, lengths } = options;
  const size = initial.length / batch;
  for (let row = 0; row < batch; row++) {
    const slot = reverse ? (lengths?.[row] ?? steps) : 0;
    history.set(initial.subarray(row * size, (row + 1) * size), (slot * batch + row) * size);
  }
}

function runForward(engine: Engine, kind: RecurrentKind, layer: Layer, parts: number) {
  const { options } = layer;
  const { hiddenSize, biasIh, biasHh } = options;
  const width = GATES[kind] * hiddenSize;
  // Slots that the kernel has to write are NaN.
  const hiddenIn = new Float32Array(layer.hidden.length).fill(Number.NaN);
  const cellIn = new Float32Array(layer.cell.length).fill(Number.NaN);
  const gatesIn = new Float32Array(options.steps * options.batch * width);
  const innerBias = biasHh.slice();
  if (kind === "gru-after") innerBias.fill(0, 2 * hiddenSize);
  projectInput(options, width, gatesIn, biasIh, innerBias);
  setInitial(options, hiddenIn, options.h0);
  if (cellIn.length) setInitial(options, cellIn, options.c0);
  return engine.infer(() => {
    const arrays = {
      hidden: place(engine, hiddenIn),
      cell: place(engine, cellIn),
      gates: place(engine, packTokens(layer, gatesIn)),
      extra: place(engine, packTokens(layer, layer.extra).length),
    };
    const args = engine.args(RecurrentArgs, {
      ...pass(engine, kind, layer, true),
      hidden: arrays.hidden.pointer,
      cell: arrays.cell.pointer,
      gates: arrays.gates.pointer,
      extra: arrays.extra.pointer,
      dHidden: 0,
      dCell: 0,
    });
    const { lstmForward, gruForward, rnnForward } = engine.kernels;
    const kernel = kind === "lstm" ? lstmForward : GATES[kind] === 3 ? gruForward : rnnForward;
    runReversed(parts, (part) => kernel(args, part, parts));
    return readAll(arrays);
  });
}

/** Starts from the reference's states, so that a state rounded to the other side of relu's kink does not matter. */
function runBackward(engine: Engine, kind: RecurrentKind, layer: Layer, parts: number) {
  return engine.infer(() => {
    const isElman = GATES[kind] === 1;
    const arrays = {
      dHidden: place(engine, layer.outside.dHidden),
      dCell: place(engine, kind === "lstm" ? layer.outside.dCell : 0),
      dGates: place(engine, packTokens(layer, isElman ? new Float32Array(layer.dGates.length) : layer.gates)),
      dExtra: place(engine, packTokens(layer, layer.extra)),
    };
    const args = engine.args(RecurrentArgs, {
      ...pass(engine, kind, layer, false),
      hidden: place(engine, layer.hidden).pointer,
      cell: place(engine, layer.cell).pointer,
      gates: arrays.dGates.pointer,
      extra: arrays.dExtra.pointer,
      dHidden: arrays.dHidden.pointer,
      dCell: arrays.dCell.pointer,
    });
    const { lstmBackward, gruBackward, rnnBackward } = engine.kernels;
    const kernel = kind === "lstm" ? lstmBackward : GATES[kind] === 3 ? gruBackward : rnnBackward;
    runReversed(parts, (part) => kernel(args, part, parts));
    return readAll(arrays);
  });
}

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  const cases: [string, RecurrentKind, Form[]][] = kinds.map((kind) => [kind, kind, forms]);
  const projected = forms
    .filter(({ hiddenSize }) => hiddenSize > 1)
    .map((form, i) => ({ ...form, projSize: Math.min(form.hiddenSize - 1, [1, 3, 8, 13][i % 4]) }));
  cases.push(["lstm with a projection", "lstm", projected]);
  for (const [name, kind, forms] of cases) {
    describe(name, () => {
      it("agrees with the reference forward and backward, and gives the same bits in any parts", () => {
        for (const form of forms) {
          const layer = referenceLayer(kind, form);
          const name = JSON.stringify(form);

          const forward = runForward(engine, kind, layer, 1);
          for (const array of ["hidden", "cell"] as const) {
            const expected = packHistory(layer, layer[array], Number.NaN);
            expectClose(forward[array], expected, TOLERANCE, `${array} of ${name}`);
          }
          for (const array of GATES[kind] === 1 ? [] : (["gates", "extra"] as const)) {
            expectClose(forward[array], packTokens(layer, layer[array]), TOLERANCE, `${array} of ${name}`);
          }
          const forwardSplit = runForward(engine, kind, layer, 3);
          for (const array of ["hidden", "cell", "gates", "extra"] as const) {
            expectSameBits(forwardSplit[array], forward[array], `${array} of ${name}`);
          }

          const backward = runBackward(engine, kind, layer, 1);
          for (const array of ["dHidden", "dCell"] as const) {
            const expected = packHistory(layer, layer[array], 0);
            expectClose(backward[array], expected, TOLERANCE, `${array} of ${name}`);
          }
          for (const array of ["dGates", "dExtra"] as const) {
            expectClose(backward[array], packTokens(layer, layer[array]), TOLERANCE, `${array} of ${name}`);
          }
          const backwardSplit = runBackward(engine, kind, layer, 3);
          for (const array of ["dHidden", "dCell", "dGates", "dExtra"] as const) {
            expectSameBits(backwardSplit[array], backward[array], `${array} of ${name}`);
          }
        }
      });
    });
  }
});
