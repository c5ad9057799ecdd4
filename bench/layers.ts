/** W6, an LSTM's forward pass at batch 1, and the layer of W1 alone in all its forms. */
import type { Engine } from "../src/engine/engine.ts";
import { GRU, LSTM, RNN } from "../src/nn/index.ts";
import { gruBackward, gruForward } from "../src/reference/gru.ts";
import { lstmBackward, lstmForward } from "../src/reference/lstm.ts";
import { rnnBackward, rnnForward } from "../src/reference/rnn.ts";
import { Parameter } from "../src/tensor/tensor.ts";
import { type Entry, noise } from "./entry.ts";
import { type Cell, forwardFlops, GATES, workloadsOf } from "./workloads.ts";

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

const LAYERS = { rnn: RNN, lstm: LSTM, gru: GRU };

/** What a layer can be asked for; a token that both directions read counts twice, padding not at all. */
const FORMS = {
  plain: { title: "", bidirectional: false, lengths: undefined },
  ragged: { title: ", rows of several lengths", bidirectional: false, lengths: LENGTHS },
  both: { title: ", both directions", bidirectional: true, lengths: undefined },
  "both-ragged": {
    title: ", both directions, rows of several lengths",
    bidirectional: true,
    lengths: LENGTHS,
  },
} as const;

/** What a reference layer reads. */
function referenceOptions(cell: Cell, steps: number, batch: number, inputSize: number, hiddenSize: number) {
  const gates = GATES[cell];
  const bound = 1 / Math.sqrt(hiddenSize);
  return {
    steps,
    batch,
    inputSize,
    hiddenSize,
    x: noise(steps * batch * inputSize),
    h0: new Float32Array(batch * hiddenSize),
    c0: new Float32Array(batch * hiddenSize),
    weightIh: noise(gates * hiddenSize * inputSize, bound),
    weightHh: noise(gates * hiddenSize * hiddenSize, bound),
    biasIh: noise(gates * hiddenSize, bound),
    biasHh: noise(gates * hiddenSize, bound),
  };
}

/** Forward and backward of one layer, from the gradient of its whole output: time per token. */
function layerEntry(cell: Cell, form: keyof typeof FORMS): Entry {
  const { title, bidirectional, lengths } = FORMS[form];
  const directions = bidirectional ? 2 : 1;
  const tokens = directions * (lengths?.reduce((sum, n) => sum + n, 0) ?? T * B);
  return {
    name: `layer/${cell}-${form}`,
    title: `${cell.toUpperCase()} layer, forward and backward${title}`,
    unit: "ns/token",
    flops: 3 * 2 * tokens * (I + H) * GATES[cell] * H,
    figure: (milliseconds) => (milliseconds * 1e6) / tokens,
    onEngine(engine: Engine) {
      const layer = new LAYERS[cell](engine, { inputSize: I, hiddenSize: H, bidirectional });
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
        ...referenceOptions(cell, T, B, I, H),
        lengths: lengths && Int32Array.from(lengths),
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

/** The forms of each cell. */
export const layerEntries: Entry[][] = (["rnn", "lstm", "gru"] as const).map((cell) =>
  (["plain", "ragged", "both", "both-ragged"] as const).map((form) => layerEntry(cell, form)),
);

export const forwardEntries: Entry[] = workloadsOf("forward").map((workload) => {
  const { name, title, batchSize, steps, inputSize, hiddenSize } = workload;
  return {
    name,
    title,
    unit: "ms",
    flops: forwardFlops(workload),
    figure: (milliseconds) => milliseconds,
    onEngine(engine) {
      const layer = new LSTM(engine, { inputSize, hiddenSize });
      const count = steps * batchSize * inputSize;
      const x = engine.tensor(noise(count), [steps, batchSize, inputSize]);
      return () => engine.infer(() => void layer.forward(x));
    },
    onReference() {
      const options = referenceOptions("lstm", steps, batchSize, inputSize, hiddenSize);
      return () => lstmForward(options);
    },
  };
});
