/** One unit's equations at one step, with the real numbers. */
import type { Inspection, LayerActivations } from "unrolled";
import { visible } from "../../parts/format.ts";
import { looked } from "./looked.ts";

const number = (value: number): string => (value < 0 ? `−${Math.abs(value).toFixed(3)}` : value.toFixed(3));
const signed = (value: number): string =>
  value < 0 ? `− ${Math.abs(value).toFixed(3)}` : `+ ${value.toFixed(3)}`;

interface Line {
  name: string;
  says: string;
  formula: string;
  numbers: string;
  result: number;
}

/** Of the unit that the model was last asked about: the one just chosen follows in a moment. */
export function Equations({ seen }: { seen: Inspection }) {
  const { step } = looked.value;
  const { unit } = seen;
  if (!unit) return null;
  const lines = linesOf(seen.layers[unit.layer], unit, step);
  const last = seen.tokens.length - 1;
  const go = (to: number): void => {
    looked.value = { ...looked.peek(), step: Math.max(0, Math.min(last, to)) };
  };
  return (
    <section class="panel equations" aria-label="The cell's equations with numbers">
      <div class="panel-head">
        <h3>
          Unit {unit.index} reads <q>{visible(seen.tokens[step])}</q>
        </h3>
        <div class="row">
          <button type="button" class="button quiet" aria-disabled={step === 0} onClick={() => go(step - 1)}>
            ← Step
          </button>
          <button
            type="button"
            class="button quiet"
            aria-disabled={step === last}
            onClick={() => go(step + 1)}
          >
            Step →
          </button>
        </div>
      </div>
      <ol>
        {lines.map(({ name, says, formula, numbers, result }) => (
          <li key={name}>
            <p class="equation-says">{says}</p>
            <p class="equation">
              <b>{name}</b> = {formula}
            </p>
            <p class="equation numbers">
              = {numbers} = <b>{number(result)}</b>
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function linesOf(
  layer: LayerActivations,
  { index: unit, terms }: NonNullable<Inspection["unit"]>,
  t: number,
): Line[] {
  const { kind, hiddenSize: H, stateSize: P, hidden, cell, gates } = layer;
  const gate = (name: string): number => gates[name][t * H + unit];
  const sum = (name: string): string => {
    const { input, recurrent, biasIh, biasHh } = terms[name];
    return `${number(input[t])} ${signed(recurrent[t])} ${signed(biasIh + biasHh)}`;
  };
  const full = (name: string): string => `W_i${name} x + W_h${name} h + b`;
  const sigmoid = (name: string, says: string): Line => ({
    name,
    says,
    formula: `σ(${full(name)})`,
    numbers: `σ(${sum(name)})`,
    result: gate(name),
  });
  // With a projection a unit is not a number of the state.
  const state = P === H ? hidden[(t + 1) * P + unit] : undefined;
  const before = hidden[t * P + unit];
  if (kind === "lstm") {
    const [c0, c1] = [cell![t * H + unit], cell![(t + 1) * H + unit]];
    return [
      sigmoid("i", "How much of the new to let in"),
      sigmoid("f", "How much of the old to keep"),
      {
        name: "g",
        says: "The new",
        formula: `tanh(${full("g")})`,
        numbers: `tanh(${sum("g")})`,
        result: gate("g"),
      },
      sigmoid("o", "How much to show"),
      {
        name: "c′",
        says: "The memory after this token",
        formula: "f · c + i · g",
        numbers: `${number(gate("f"))} · ${number(c0)} + ${number(gate("i"))} · ${number(gate("g"))}`,
        result: c1,
      },
      {
        name: "h′",
        says: "What others see of it",
        formula: "o · tanh(c′)",
        numbers: `${number(gate("o"))} · tanh(${number(c1)})`,
        result: state ?? gate("o") * Math.tanh(c1),
      },
    ];
  }
  if (kind === "gru-after" || kind === "gru-before") {
    const { input, recurrent, biasIh, biasHh } = terms.n;
    const inner = kind === "gru-after";
    return [
      sigmoid("r", "How much of the old state the new one reads"),
      sigmoid("z", "How much of the old state to keep"),
      {
        name: "n",
        says: "The new state, if nothing were kept",
        formula: inner ? "tanh(W_in x + b + r · (W_hn h + b′))" : "tanh(W_in x + W_hn (r · h) + b)",
        numbers: inner
          ? `tanh(${number(input[t] + biasIh)} + ${number(gate("r"))} · (${number(recurrent[t] + biasHh)}))`
          : `tanh(${sum("n")})`,
        result: gate("n"),
      },
      {
        name: "h′",
        says: "The state after this token",
        formula: "(1 − z) · n + z · h",
        numbers: `${number(1 - gate("z"))} · ${number(gate("n"))} + ${number(gate("z"))} · ${number(before)}`,
        result: hidden[(t + 1) * P + unit],
      },
    ];
  }
  return [
    {
      name: "h′",
      says: "The state after this token",
      formula: "tanh(W_ih x + W_hh h + b)",
      numbers: `tanh(${sum("h")})`,
      result: hidden[(t + 1) * P + unit],
    },
  ];
}
