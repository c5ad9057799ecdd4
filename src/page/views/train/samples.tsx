/** What the run wrote after each evaluation. */
import { TemperatureSlider } from "../../parts/controls.tsx";
import { integer } from "../../parts/format.ts";
import type { Run } from "../../state/runs.ts";

export function Samples({ run }: { run: Run }) {
  const samples = run.samples.value;
  const latest = samples.at(-1);
  return (
    <section class="panel samples" aria-label="Samples as it learns">
      <div class="panel-head">
        <h3>What it writes as it learns</h3>
        <TemperatureSlider
          value={run.temperature.value}
          disabled={run.status.value === "finished"}
          onChange={(temperature) => void run.adjust({ temperature })}
        />
      </div>
      {latest ? (
        <>
          <p class="sample-text">
            <span class="prompt">{latest.prompt}</span>
            {latest.text}
          </p>
          <p class="field-note">
            after step {integer(latest.step)}, temperature {latest.temperature.toFixed(2)}; the grey words are
            the held-out text's
          </p>
          {samples.length > 1 && (
            <details class="more">
              <summary>{samples.length - 1} earlier</summary>
              <ol class="earlier" reversed>
                {samples
                  .slice(0, -1)
                  .reverse()
                  .map((sample) => (
                    <li key={sample.step}>
                      <span class="earlier-step">step {integer(sample.step)}</span>
                      <span>{sample.text}</span>
                    </li>
                  ))}
              </ol>
            </details>
          )}
        </>
      ) : (
        <p class="quiet">The first sample comes with the first evaluation, after a twentieth of the steps.</p>
      )}
    </section>
  );
}
