import type { CellGradients } from "../../lab/gradients.ts";
import { short } from "../../parts/chart.tsx";

type Cell = CellGradients["cell"];

export const CELL_NAMES: Record<Cell, string> = { rnn: "RNN", gru: "GRU", lstm: "LSTM" };
/** Of the style sheet. */
export const CELL_COLOURS: Record<Cell, string> = { rnn: "cell-rnn", gru: "cell-gru", lstm: "cell-lstm" };

/** ‖dL/dh‖ by distance, relative to what it is at the loss. */
export function shares({ hidden }: CellGradients): number[] {
  return hidden.map((value) => value / hidden[0]);
}

/** What the gradient was multiplied by on its whole way back. */
export function factor(cell: CellGradients): string {
  const last = shares(cell).at(-1) ?? 0;
  const steps = `after ${cell.hidden.length - 1} steps`;
  if (!Number.isFinite(last)) return `too much for a float ${steps}`;
  const isShort = last >= 1e5 || last < 1e-3;
  return `× ${isShort ? short(last) : last.toLocaleString("en", { maximumSignificantDigits: 3 })} ${steps}`;
}
