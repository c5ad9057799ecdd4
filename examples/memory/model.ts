import {
  crossEntropy,
  type Engine,
  GRU,
  Linear,
  LSTM,
  log,
  Module,
  meanSquaredError,
  Parameter,
  RNN,
  reshape,
  type SequenceBatch,
  type Tensor,
  type Trainable,
  uniform,
} from "unrolled";

export const CELLS = { rnn: RNN, lstm: LSTM, gru: GRU } as const;
export type Cell = keyof typeof CELLS;

export interface MemoryModelConfig {
  cell: Cell;
  inputSize: number;
  hiddenSize: number;
  outputSize: number;
  /**
   * The longest time, in steps, for which something must be remembered: gated cells start with such memories. Without
   * it they start as PyTorch's do.
   */
  longest?: number;
}

/**
 * A recurrent layer that reads vectors, and a linear one that answers. The targets say what is asked for: numbers
 * (mean squared error) or classes (cross-entropy), after the last step or at every one.
 */
export class MemoryModel extends Module implements Trainable<SequenceBatch> {
  readonly engine: Engine;
  readonly rnn: RNN | LSTM | GRU;
  readonly decoder: Linear;

  constructor(engine: Engine, { cell, inputSize, hiddenSize, outputSize, longest }: MemoryModelConfig) {
    super();
    this.engine = engine;
    this.rnn = new CELLS[cell](engine, { inputSize, hiddenSize });
    this.decoder = new Linear(engine, { inputSize: hiddenSize, outputSize });
    if (cell !== "rnn" && longest) this.#spreadMemory(cell, hiddenSize, longest);
  }

  /** Outputs [B, outputSize] after the last step, or [T, B, outputSize] at every step. */
  forward({ inputs, targets, steps, batchSize, inputSize }: SequenceBatch): Tensor {
    const { output, state } = this.rnn.forward(this.engine.tensor(inputs, [steps, batchSize, inputSize]));
    const atEnd = targets.length === batchSize;
    return this.decoder.forward(atEnd ? reshape(state.h, [batchSize, this.rnn.hiddenSize]) : output);
  }

  loss(batch: SequenceBatch): { loss: Tensor; count: number } {
    const { targets } = batch;
    const output = this.forward(batch);
    const shape = output.shape.slice(0, -1);
    const loss =
      targets instanceof Float32Array
        ? meanSquaredError(reshape(output, shape), this.engine.tensor(targets, shape))
        : crossEntropy(output, this.engine.ids(targets, shape));
    return { loss, count: targets.length };
  }

  /**
   * Chrono initialisation (Tallec & Ollivier 2018): biases b = ln u, u uniform in 1 to `longest` − 1, for the gate that
   * keeps the state (the LSTM's forget gate, the GRU's update gate), so that the units' memories reach from one step
   * to the longest; and −b for the LSTM's input gate.
   */
  #spreadMemory(cell: "lstm" | "gru", hiddenSize: number, longest: number): void {
    const { engine } = this;
    const reach = new Parameter(engine, [hiddenSize]);
    uniform(reach, 1, Math.max(longest - 1, 2));
    const keep = engine.infer(() => log(reach).toArray());
    reach.free();
    for (const [name, parameter] of this.rnn.namedParameters()) {
      if (!name.startsWith("bias")) continue;
      const bias = new Float32Array(parameter.size);
      // Both cells' second gate keeps; the LSTM's first one lets in.
      if (name === "bias_ih_l0") {
        bias.set(keep, hiddenSize);
        if (cell === "lstm") bias.set(keep.map((b) => -b));
      }
      parameter.set(bias);
    }
  }
}

/** The hidden size whose model comes nearest to so many parameters. */
export function hiddenSizeFor(cell: Cell, inputSize: number, outputSize: number, parameters: number): number {
  const gates = { rnn: 1, lstm: 4, gru: 3 }[cell];
  const count = (hidden: number): number =>
    gates * hidden * (inputSize + hidden + 2) + (hidden + 1) * outputSize;
  let hidden = 1;
  while (count(hidden + 1) <= parameters) hidden++;
  return parameters - count(hidden) <= count(hidden + 1) - parameters ? hidden : hidden + 1;
}
