import type { CellGradients } from "../../lab/gradients.ts";

type Cell = CellGradients["cell"];

export const CELL_NAMES: Record<Cell, string> = { rnn: "RNN", gru: "GRU", lstm: "LSTM" };
/** Of the style sheet. */
export const CELL_COLOURS: Record<Cell, string> = { rnn: "cell-rnn", gru: "cell-gru", lstm: "cell-lstm" };

/** ‖dL/dh‖ by distance, relative to what it is at the loss. */
export function shares({ hidden }: CellGradients): number[] {
  return hidden.map((value) => value / hidden[0]);
}
