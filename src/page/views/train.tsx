import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Notice } from "../parts/controls.tsx";
import { useDrops } from "../parts/drops.ts";
import { modelName } from "../state/names.ts";
import { openModelFile, runs, selected } from "../state/runs.ts";
import { change, settings } from "../state/settings.ts";
import { OWN, SUPPLIED } from "../state/supplied.ts";
import { readTextFile } from "../state/text-file.ts";
import { ownText, setOwnText } from "../state/texts.ts";
import { Completions } from "./train/completions.tsx";
import { Curves } from "./train/curves.tsx";
import { Experiment } from "./train/experiment.tsx";
import { RunPanel, RunTabs } from "./train/run-panel.tsx";
import { Samples } from "./train/samples.tsx";

export function TrainView() {
  const run = selected.value;
  const problem = useSignal<string | undefined>(undefined);
  useDrops((file) => {
    problem.value = undefined;
    take(file).catch((error) => {
      problem.value = error.message;
    });
  });
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the form stands above the run.
    if (run && matchMedia("(max-width: 860px)").matches) main.current?.scrollIntoView();
  }, [run]);
  return (
    <div class="view train">
      <header class="view-head">
        <h1>Train a network on a text</h1>
        <p class="deck">
          It reads, guesses the next token and is corrected, thousands of times, on this machine: nothing
          leaves it.
        </p>
      </header>
      <div class="train-columns">
        <Experiment
          onProblem={(message) => {
            problem.value = message;
          }}
        />
        <section class="train-main" ref={main} aria-label="Runs">
          {problem.value && <Notice kind="error">{problem.value}</Notice>}
          {run ? (
            <>
              <RunTabs />
              <RunPanel key={run.id} run={run} />
              {!run.isVoid && (
                <>
                  <Curves runs={runs.value} selected={run} />
                  {run.settings && <Samples key={`samples ${run.id}`} run={run} />}
                  <Completions key={`completions ${run.id}`} run={run} />
                </>
              )}
            </>
          ) : (
            <Empty />
          )}
        </section>
      </div>
    </div>
  );
}

/** A model is opened; anything else is the text to train on. */
async function take(file: File): Promise<void> {
  if (file.name.endsWith(".safetensors")) {
    await openModelFile(file);
    return;
  }
  setOwnText(await readTextFile(file));
  change({ text: OWN });
}

function Empty() {
  const supplied = SUPPLIED.find(({ id }) => id === settings.value.text);
  return (
    <div class="empty">
      <svg viewBox="0 0 320 90" class="empty-art" aria-hidden="true">
        {["C", "a", "l", "l", "?"].map((letter, t) => (
          <g key={letter + String(t)} transform={`translate(${32 + 64 * t} 48)`}>
            {t > 0 && <path class="thread" d="M-44 0h24" />}
            <circle r="17" style={{ opacity: String(0.3 + 0.17 * t) }} />
            <text y="6">{letter}</text>
          </g>
        ))}
      </svg>
      <h2>No run yet</h2>
      {supplied || ownText.value.trim() !== "" ? (
        <p>
          What is set: {modelName(settings.value)} on{" "}
          {supplied ? <cite>{supplied.title}</cite> : "your own text"}. Press <b>Train</b>, and within seconds
          its curve falls and it writes its first words. Start others beside it to compare.
        </p>
      ) : (
        <p>
          These settings train on a text of your own: paste one, and press <b>Train</b>.
        </p>
      )}
    </div>
  );
}
