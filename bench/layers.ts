import type { Engine } from "../src/engine/engine.ts";
import { GRU, LSTM, RNN } from "../src/nn/index.ts";
import { gruBackward, gruForward } from "../src/reference/gru.ts";
import { lstmBackward, lstmForward } from "../src/reference/lstm.ts";
import { rnnBackward, rnnForward } from "../src/reference/rnn.ts";
import { Parameter } from "../src/tensor/tensor.ts";
import { type Entry, noise } from "./entry.ts";

/** The layer of W1: T steps, B rows, I inputs, H units. */
const T = 64;
const B = 32;
const I = 64;
const H = 128;

/** Rows of several lengths, a quarter of T up to T, in no order: three eighths of the batch are padding. */
const LENGTHS = Int32Array.from(
  { length: B },
  (_, row) => T / 4 + Math.round((((row * 13) % B) * 0.75 * T) / (B - 1)),
);

const CELLS = {
  rnn: { Layer: RNN, gates: 1 },
  lstm: { Layer: LSTM, gates: 4 },
  gru: { Layer: GRU, gates: 3 },
} as const;

/** What a layer can be asked for; a token that both directions read counts twice, padding not at all. */
const FORMS = {
  plain: { bidirectional: false, lengths: undefined },
  ragged: { bidirectional: false, lengths: LENGTHS },
  both: { bidirectional: true, lengths: undefined },
  "both-ragged": { bidirectional: true, lengths: LENGTHS },
} as const;

/** Forward and backward of one layer, from the gradient of its whole output: time per token. */
function layerEntry(cell: keyof typeof CELLS, form: keyof typeof FORMS): Entry {
  const { Layer, gates } = CELLS[cell];
  const { bidirectional, lengths } = FORMS[form];
  const directions = bidirectional ? 2 : 1;
  const tokens = directions * (lengths?.reduce((sum, n) => sum + n, 0) ?? T * B);
  return {
    name: `${cell}/${form}`,
    unit: "ns/token",
    flops: 3 * 2 * tokens * (I + H) * gates * H,
    figure: (milliseconds) => (milliseconds * 1e6) / tokens,
    onEngine(engine: Engine) {
      const layer = new Layer(engine, { inputSize: I, hiddenSize: H, bidirectional });
      const x = new Parameter(engine, [T, B, I]);
      x.set(noise(T * B * I));
      const count = T * B * directions * H;
      const dOutput = engine.tensor(noise(count), [count]).pointer;
      // No loss, which would be computed on padding too: the output's gradient is given.
      return () => {
        engine.step(() => {
          const { output } = layer.forward(x, undefined, { lengths });
          engine.kernels.accumulate(output.gradient.pointer, dOutput, 1, count, 0, 1);
          engine.tape?.backward();
        });
      };
    },
    onReference() {
      const options = {
        steps: T,
        batch: B,
        inputSize: I,
        hiddenSize: H,
        lengths: lengths && Int32Array.from(lengths),
        x: noise(T * B * I),
        h0: new Float32Array(B * H),
        c0: new Float32Array(B * H),
        weightIh: noise(gates * H * I).map((w) => w / 12),
        weightHh: noise(gates * H * H).map((w) => w / 12),
        biasIh: noise(gates * H),
        biasHh: noise(gates * H),
        nonlinearity: "tanh" as const,
        resetAfter: true,
        dHidden: noise((T + 1) * B * H),
        dCell: new Float32Array((T + 1) * B * H),
      };
      return () => {
        for (const reverse of bidirectional ? [false, true] : [false]) {
          const pass = { ...options, reverse };
          if (cell === "lstm") lstmBackward({ ...pass, ...lstmForward(pass) });
          else if (cell === "gru") gruBackward({ ...pass, ...gruForward(pass) });
          else rnnBackward({ ...pass, ...rnnForward(pass) });
        }
      };
    },
  };
}

export const layerEntries: Entry[] = (["rnn", "lstm", "gru"] as const).flatMap((cell) =>
  (["plain", "ragged", "both", "both-ragged"] as const).map((form) => layerEntry(cell, form)),
);
