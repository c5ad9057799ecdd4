/** What the reader looks at: a layer's unit at a step, and one of the series that a cell has. */
import { signal } from "@preact/signals";
import type { LayerActivations } from "unrolled";

export const looked = signal({ layer: 0, unit: 0, step: 0, series: "hidden" });

/** The unit under the pointer, which the text is coloured by as long as it is there. */
export const hovered = signal<number | undefined>(undefined);

export interface Series {
  label: string;
  says: string;
}

export const SERIES: Record<string, Series> = {
  hidden: { label: "Hidden state", says: "h: what the next layer, or the output, reads of a unit" },
  cell: { label: "Cell state", says: "c: an LSTM's memory, which only its gates change" },
  f: { label: "Forget gate", says: "f: the share of its memory that a unit keeps at this token" },
  i: { label: "Input gate", says: "i: how much of the new candidate it lets in" },
  o: { label: "Output gate", says: "o: how much of its memory it shows" },
  z: { label: "Update gate", says: "z: the share of its old state that a unit keeps at this token" },
  r: { label: "Reset gate", says: "r: how much of the old state its new candidate reads" },
};

const GATES = new Set(["f", "i", "o", "z", "r"]);

/** A series as rows of steps: [T, width], from −1 to 1. */
export interface Rows {
  values: Float32Array;
  width: number;
  /** What stands for full colour. */
  most: number;
  isGate: boolean;
}

export function seriesOf(layer: LayerActivations, name: string): Rows | undefined {
  const { hidden, stateSize, hiddenSize, cell, gates } = layer;
  if (name === "hidden")
    return { values: hidden.subarray(stateSize), width: stateSize, most: 1, isGate: false };
  if (name === "cell") {
    if (!cell) return undefined;
    const values = cell.subarray(hiddenSize);
    // Cell states have no limit: nearly the largest is full colour.
    const sizes = Float32Array.from(values, Math.abs).sort();
    return {
      values,
      width: hiddenSize,
      most: Math.max(1e-6, sizes[Math.floor(0.98 * sizes.length)]),
      isGate: false,
    };
  }
  const values = GATES.has(name) ? gates[name] : undefined;
  return values && { values, width: hiddenSize, most: 1, isGate: true };
}

/** The unit looked at, or another one, of those that there are: an LSTM's projected state is narrower than its gates. */
export function unitIn({ width }: Rows, unit = looked.value.unit): number {
  return Math.min(unit, width - 1);
}

/** From −1 to 1: a gate's half is the paper's colour, so that shut is warm and open is cool. */
export function level({ most, isGate }: Rows, value: number): number {
  return isGate ? 2 * value - 1 : Math.max(-1, Math.min(1, value / most));
}
