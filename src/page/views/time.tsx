/** The unrolled network, and the gradient on its way back through it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { CellGradients, GradientsInput, GradientsOutput } from "../lab/gradients.ts";
import { Lab } from "../lab/lab.ts";
import { Chart, type Line, short } from "../parts/chart.tsx";
import { Notice, Slider } from "../parts/controls.tsx";
import { CELL_COLOURS, CELL_NAMES, factor, shares } from "./time/cells.ts";
import { CirclesNote, Unrolled } from "./time/unrolled.tsx";

const lab = new Lab();
const PRESETS: { name: string; says: string; values: GradientsInput }[] = [
  { name: "It vanishes", says: "radius below 1", values: { radius: 0.7, steps: 60, clip: 1, memory: 0 } },
  { name: "It explodes", says: "radius above 1", values: { radius: 2, steps: 60, clip: 1, memory: 0 } },
  { name: "Gates keep it", says: "memory open", values: { radius: 0.5, steps: 100, clip: 1, memory: 3 } },
];

const input = signal(PRESETS[2].values);
const output = signal<GradientsOutput | undefined>(undefined);
const problem = signal<string | undefined>(undefined);

let isBusy = false;
let isStale = false;
/** The engine computes what the sliders say; while it does, the latest position waits, and no other. */
async function measure(): Promise<void> {
  if (isBusy) {
    isStale = true;
    return;
  }
  isBusy = true;
  try {
    output.value = await lab.run("gradients", input.peek());
    problem.value = undefined;
  } catch (error) {
    problem.value = (error as Error).message;
  } finally {
    isBusy = false;
  }
  if (isStale) {
    isStale = false;
    void measure();
  }
}

function set(changes: Partial<GradientsInput>): void {
  input.value = { ...input.peek(), ...changes };
  void measure();
}

function isSet(values: GradientsInput): boolean {
  return (Object.keys(values) as (keyof GradientsInput)[]).every(
    (name) => values[name] === input.value[name],
  );
}

export function TimeView() {
  useEffect(() => {
    if (!output.peek()) void measure();
  }, []);
  const { radius, steps, clip, memory } = input.value;
  const cells = output.value?.cells ?? [];
  return (
    <div class="view time">
      <header class="view-head">
        <h1>The gradient's way back through time</h1>
        <p class="deck">
          A recurrent network learns from the past only as far as the error's gradient reaches back. Each step
          multiplies it by the same matrix: move the sliders, and see it fade or blow up.
        </p>
      </header>
      <div class="time-columns">
        <aside class="panel time-controls" aria-label="Sliders">
          <fieldset class="presets row" aria-label="Examples">
            {PRESETS.map(({ name, says, values }) => (
              <button
                key={name}
                type="button"
                class="button quiet"
                title={says}
                aria-pressed={isSet(values)}
                onClick={() => set(values)}
              >
                {name}
              </button>
            ))}
          </fieldset>
          <Slider
            label="Spectral radius of W_hh"
            min={0.1}
            max={2.5}
            step={0.05}
            value={radius}
            format={(value) => value.toFixed(2)}
            note="What repeated multiplication grows by: of every gate's matrix · Pascanu, Mikolov & Bengio 2013"
            onChange={(value) => set({ radius: value })}
          />
          <Slider
            label="Sequence length"
            min={5}
            max={150}
            step={5}
            value={steps}
            note="Steps between the first state and the loss"
            onChange={(value) => set({ steps: value })}
          />
          <Slider
            label="Clipping threshold"
            min={-2}
            max={4}
            step={0.25}
            value={Math.log10(clip)}
            format={(value) => short(Number((10 ** value).toPrecision(2)))}
            note="Largest norm of the weights' gradients together"
            onChange={(value) => set({ clip: Number((10 ** value).toPrecision(2)) })}
          />
          <Slider
            label="Memory gate's bias"
            min={-2}
            max={6}
            step={0.5}
            value={memory}
            format={(value) => value.toFixed(1)}
            note="LSTM: the forget gate; GRU: the update gate. High keeps the old state · Gers, Schmidhuber & Cummins 2000"
            onChange={(value) => set({ memory: value })}
          />
        </aside>
        <div class="time-main">
          {problem.value && <Notice kind="error">{problem.value}</Notice>}
          <div class="unrolled-all">
            {cells.map((cell) => (
              <Unrolled key={cell.cell} cell={cell} />
            ))}
            {cells.length > 0 && <CirclesNote steps={cells[0].hidden.length - 1} />}
          </div>
          <figure class="panel">
            <figcaption>
              <h3>What is left of the gradient, by distance from the loss</h3>
              <ul class="legend">
                {cells.map(({ cell }) => (
                  <li key={cell}>
                    <span class={`swatch cell-${cell}`} aria-hidden="true" />
                    {CELL_NAMES[cell]}
                  </li>
                ))}
              </ul>
            </figcaption>
            <Chart
              lines={cells.map(toLine)}
              summary={cells.map(summarise).join(" ")}
              height={280}
              xLabel="steps back"
              xMax={steps}
              log
              yRange={yRange(cells)}
              format={short}
            />
          </figure>
          <Clipping cells={cells} clip={clip} />
          {output.value && (
            <p class="field-note">
              Computed by the engine just now, in {output.value.milliseconds.toFixed(0)} ms: three layers of
              48 units, forward and backward, no formula in between.
            </p>
          )}
        </div>
      </div>
    </div>
  );
}

const LOWEST = 1e-12;
const HIGHEST = 1e12;

function toLine(cell: CellGradients): Line {
  const y = shares(cell).map((value) => (value > 0 && Number.isFinite(value) ? value : null));
  return { label: CELL_NAMES[cell.cell], colour: CELL_COLOURS[cell.cell], x: y.map((_, d) => d), y };
}

function yRange(cells: readonly CellGradients[]): [number, number] {
  const all = cells.flatMap(shares).filter((value) => value > 0 && Number.isFinite(value));
  const low = Math.max(LOWEST, Math.min(1e-1, ...all));
  const high = Math.min(HIGHEST, Math.max(1e1, ...all));
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high))];
}

function summarise(cell: CellGradients): string {
  return `${CELL_NAMES[cell.cell]}: ${factor(cell)}.`;
}

/** What clipping does to the step that the weights would take. */
function Clipping({ cells, clip }: { cells: readonly CellGradients[]; clip: number }) {
  const position = (norm: number): number =>
    Math.min(1, Math.max(0, (Math.log10(Math.max(norm, 1e-6)) + 4) / 12));
  return (
    <section class="panel clipping" aria-label="Clipping">
      <h3>The weights' gradient, before and after clipping</h3>
      <ol class="clip-rows">
        {cells.map(({ cell, gradientNorm, scale }) => (
          <li key={cell} class={`cell-${cell}`}>
            <span class="clip-name">{CELL_NAMES[cell]}</span>
            <span class="clip-track">
              <span class="clip-before" style={{ transform: `scaleX(${position(gradientNorm)})` }} />
              <span class="clip-after" style={{ transform: `scaleX(${position(gradientNorm * scale)})` }} />
              <span class="clip-line" style={{ left: `${100 * position(clip)}%` }} />
            </span>
            <span class="clip-figure">
              {Number.isFinite(gradientNorm) ? short(gradientNorm) : "overflow"}
              {scale < 1 && <b> → {short(gradientNorm * scale)}</b>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
