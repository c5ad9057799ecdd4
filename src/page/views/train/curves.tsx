/** Loss and gradient norm: of all runs side by side, and of the selected one. */
import { buckets, Chart, type Line, short } from "../../parts/chart.tsx";
import type { Run } from "../../state/runs.ts";

export function Curves({ runs, selected }: { runs: readonly Run[]; selected: Run }) {
  const shown = runs.filter((run) => run.steps.value > 0 && run.isShown.value);
  // Read, so that the curves follow.
  for (const run of runs) run.version.value;
  if (!selected.settings) return null;
  const lines = shown.flatMap(lossLines);
  const firstLosses = shown.flatMap(({ loss, nats }) => (loss.length > 0 ? [loss[0] / nats] : []));
  const longest = Math.max(0, ...shown.map((run) => run.steps.value));
  const most = Math.max(50, ...shown.map((run) => run.loss.length * 1.02));
  const best = selected.validation.at(-1);
  const summary = best
    ? `Loss of ${selected.name}: held out ${(best.loss / selected.heldOutNats).toFixed(3)} bits per byte at step ${best.step}`
    : `Loss of ${selected.name}: no evaluation yet`;
  const clip = selected.settings.clip;
  return (
    <div class="curves">
      <figure class="panel">
        <figcaption>
          <h3>Loss, bits per byte</h3>
          <ul class="legend">
            {runs
              .filter((run) => run.settings)
              .map((run) => (
                <li key={run.id}>
                  <label>
                    <input
                      type="checkbox"
                      checked={run.isShown.value}
                      onChange={(event) => {
                        run.isShown.value = event.currentTarget.checked;
                      }}
                    />
                    <span class={`swatch run-${run.colour}`} aria-hidden="true" />
                    {run.name}
                  </label>
                </li>
              ))}
            <li class="legend-note">thin: training · dots: held out</li>
          </ul>
        </figcaption>
        <Chart
          lines={lines}
          summary={summary}
          height={260}
          xLabel="step"
          xMax={Math.min(longest, most)}
          yRange={lossRange(lines, 1.2 * Math.max(...firstLosses))}
        />
      </figure>
      <figure class="panel">
        <figcaption>
          <h3>Gradient norm</h3>
          <ul class="legend">
            <li class="legend-note">{clip < 1e9 ? `dashed: clipped to ${clip} above it` : "not clipped"}</li>
          </ul>
        </figcaption>
        <Chart
          lines={normLines(selected, clip)}
          summary={`Gradient norm of ${selected.name}, ${selected.gradientNorm.at(-1)?.toPrecision(3) ?? "no step yet"}`}
          height={260}
          xLabel="step"
          xMax={Math.min(selected.steps.value, Math.max(50, selected.loss.length * 1.02))}
          log
          format={short}
        />
      </figure>
    </div>
  );
}

/**
 * Past the first steps' fall, which would leave everything after it flat, as would a run that diverges; in steps of
 * 0.1, so that it seldom moves.
 * @param most what a loss that grows is drawn up to.
 */
function lossRange(lines: readonly Line[], most: number): [number, number] | undefined {
  const values = lines.flatMap(({ x, y }) => {
    const start = y.length > 30 ? x[x.length - 1] * 0.04 : 0;
    return y.filter((value, i): value is number => value !== null && x[i] >= start);
  });
  if (values.length === 0) return undefined;
  const low = Math.min(...values);
  const highest = Math.max(...values);
  const high = low < most ? Math.min(highest, most) : highest;
  return [Math.floor(10 * low - 0.5) / 10, Math.ceil(10 * high + 0.5) / 10];
}

function lossLines(run: Run): Line[] {
  const { x, y } = buckets(run.loss);
  const colour = `run-${run.colour}`;
  return [
    { label: `${run.name}, training`, colour, kind: "faint", x, y: y.map((loss) => loss / run.nats) },
    {
      label: `${run.name}, held out`,
      colour,
      kind: "dots",
      x: run.validation.map(({ step }) => step),
      y: run.validation.map(({ loss }) => loss / run.heldOutNats),
    },
  ];
}

function normLines(run: Run, clip: number): Line[] {
  const { x, y } = buckets(run.gradientNorm);
  const lines: Line[] = [{ label: "norm", colour: `run-${run.colour}`, x, y }];
  if (clip < 1e9)
    lines.push({
      label: "clip",
      colour: "ink",
      kind: "dashed",
      x: [0, run.steps.value],
      y: [clip, clip],
    });
  return lines;
}
