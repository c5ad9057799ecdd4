/** One run: its tab among the others, its controls and its figures. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Figure, Notice, StopSlider } from "../../parts/controls.tsx";
import { bytes, compact, duration, integer, percent } from "../../parts/format.ts";
import { DownloadIcon, PauseIcon, PlayIcon } from "../../parts/icons.tsx";
import { NUMBERS, type Settings, writeSettings } from "../../state/experiment.ts";
import { differences } from "../../state/names.ts";
import { type Run, runs, type Status, select, selected } from "../../state/runs.ts";
import { settings } from "../../state/settings.ts";
import { storedBytes } from "../../state/storage.ts";
import { RemoveButton } from "./remove-button.tsx";

const SAYS: Record<Status, string> = {
  opening: "preparing",
  training: "training",
  paused: "paused",
  finished: "finished",
  failed: "stopped",
  kept: "stopped",
  model: "model",
};

/** By what factor guessing is better than a run that diverges: one that has just begun is about as good. */
const FAR_WORSE = 1.05;
/** From so many bytes on, what the page stores is worth a word. */
const MUCH_STORED = 200e6;

export function RunTabs() {
  return (
    <>
      <ul class="run-tabs" aria-label="All runs">
        {runs.value.map((run) => (
          <RunTab key={run.id} run={run} />
        ))}
      </ul>
      {storedBytes.value > MUCH_STORED && (
        <p class="field-note storage-note">
          All runs are kept until you remove them; with the page they take about {bytes(storedBytes.value)} of
          this browser's storage.
        </p>
      )}
    </>
  );
}

function RunTab({ run }: { run: Run }) {
  const isOn = selected.value === run;
  const status = run.status.value;
  return (
    <li class={isOn ? "run-tab is-on" : "run-tab"}>
      <button type="button" class="run-name" aria-pressed={isOn} onClick={() => select(run)}>
        <span class={`dot run-${run.colour} is-${status}`} aria-hidden="true" />
        <span>{run.name}</span>
        <span class="run-status">
          {status === "training" ? percent(run.step.value / (run.steps.value || 1)) : SAYS[status]}
        </span>
      </button>
      <RemoveButton run={run} />
    </li>
  );
}

export function RunPanel({ run }: { run: Run }) {
  const status = run.status.value;
  const report = run.latest.value;
  const info = run.info.value;
  const step = run.step.value;
  const steps = run.steps.value;
  const validation = run.version.value >= 0 ? run.validation.at(-1) : undefined;
  const bits = validation && validation.loss / run.heldOutNats;
  const { guessing } = run;
  const norm = report?.gradientNorm ?? run.gradientNorm.at(-1);
  return (
    <div class="panel run-panel">
      <div class="run-head">
        <div class="run-title">
          <h2>{run.name}</h2>
          <p class="quiet">
            {/* Without what changes every second, which a screen reader would say each time. */}
            <span aria-live="polite">
              {status === "opening" &&
                (run.isKept ? "Opening it again …" : "Reading the text and learning its tokens …")}
              {status === "training" && (report ? "Training" : "Starting …")}
              {(status === "paused" || status === "kept") &&
                `${status === "paused" ? "Paused" : "Stopped"} at step ${integer(step)} of ${integer(steps)}`}
              {status === "finished" && `Finished after ${integer(steps)} steps`}
              {status === "failed" && "Stopped by an error"}
              {status === "model" && "A model from a file"}
            </span>
            {status === "training" && report && `, ${duration(report.secondsLeft)} left`}
          </p>
          {run.settings && <RunSettings all={run.settings} />}
        </div>
        <RunButtons run={run} />
      </div>
      {steps > 0 && (
        <div
          class={`progress run-${run.colour}`}
          role="progressbar"
          aria-label="Steps done"
          aria-valuemin={0}
          aria-valuemax={steps}
          aria-valuenow={step}
        >
          <span style={{ transform: `scaleX(${step / steps})` }} />
        </div>
      )}
      {run.error.value && <Notice kind="error">{run.error.value}</Notice>}
      {validation && guessing && validation.bitsPerToken > FAR_WORSE * guessing && (
        <Notice>Worse than guessing: lower the learning rate.</Notice>
      )}
      <dl class="figures">
        {steps > 0 && <Figure label="Step" value={integer(step)} unit={`of ${integer(steps)}`} />}
        {bits !== undefined && (
          <Figure
            label="Held out"
            value={bits.toFixed(3)}
            unit={`bits per byte${guessing ? `, guessing ${((guessing * Math.LN2) / run.heldOutNats).toFixed(1)}` : ""}`}
          />
        )}
        {report && <Figure label="Speed" value={compact(report.tokensPerSecond)} unit="tokens/s" />}
        {norm !== undefined && (
          <Figure
            label="Gradient norm"
            value={norm.toPrecision(3)}
            title="of all weights together, before clipping"
          />
        )}
        {run.settings && norm !== undefined && (
          <Figure label="Steps clipped" value={percent(clippedShare(run.gradientNorm, run.settings.clip))} />
        )}
        {info && <Figure label="Parameters" value={compact(info.parameterCount)} />}
        {info && (
          <Figure
            label="Kernels"
            value={info.build}
            unit={`${info.threads} ${info.threads === 1 ? "thread" : "threads"}`}
          />
        )}
      </dl>
      {info?.notice && <p class="field-note thread-note">{info.notice}</p>}
      {steps > 0 && <HotRate run={run} />}
    </div>
  );
}

/** Counted, not taken from a report: a run of an earlier visit has none. */
function clippedShare(norms: readonly number[], clip: number): number {
  return norms.filter((norm) => norm > clip).length / norms.length;
}

/** What the run is, and a way to go on from there. */
function RunSettings({ all }: { all: Settings }) {
  const differs = differences(all);
  const isInForm = String(writeSettings(all)) === String(writeSettings(settings.value));
  const use = (): void => {
    settings.value = all;
    // The button goes; what comes next is to change them, or to train.
    document.getElementById("train")?.focus();
  };
  return (
    <p class="run-settings quiet">
      {differs ? `With ${differs}` : "All else as it is by default"}
      {!isInForm && (
        <button type="button" class="button quiet" onClick={use}>
          Use these settings
        </button>
      )}
    </p>
  );
}

function RunButtons({ run }: { run: Run }) {
  const problem = useSignal<string | undefined>(undefined);
  const status = run.status.value;
  const row = useRef<HTMLDivElement>(null);
  const hadFocus = row.current?.contains(document.activeElement);
  useLayoutEffect(() => {
    // A button that goes leaves its focus to the first one.
    if (hadFocus && !row.current?.contains(document.activeElement))
      row.current?.querySelector("button")?.focus();
  });
  const isOpening = status === "opening";
  // What is opened again may be so only to write.
  const isGoing = status === "training" || (isOpening && run.step.value === 0);
  const isOver = status === "finished" || (isOpening && !isGoing && run.step.value === run.steps.value);
  const download = async (): Promise<void> => {
    try {
      const bytes = await (await run.trainer()).save();
      const url = URL.createObjectURL(new Blob([bytes]));
      const link = document.createElement("a");
      link.href = url;
      link.download = `${run.name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.safetensors`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      problem.value = (error as Error).message;
    }
  };
  return (
    <div class="row run-buttons" ref={row}>
      {/* One button, which keeps the focus. */}
      {run.settings && !isOver && !run.isVoid && (
        <button
          type="button"
          class={isGoing ? "button" : "button primary"}
          id={isGoing ? "pause" : "resume"}
          aria-disabled={isOpening}
          onClick={() => {
            if (!isOpening) void (isGoing ? run.pause() : run.start());
          }}
        >
          {isGoing ? <PauseIcon /> : <PlayIcon />}
          {isGoing ? "Pause" : status === "failed" && !run.isKept ? "Start again" : "Resume"}
        </button>
      )}
      {(status === "training" || status === "paused") && run.checkpoint && (
        <button type="button" class="button quiet" id="stop" onClick={() => void run.stop()}>
          Stop
        </button>
      )}
      {!run.isVoid && (
        <button type="button" class="button quiet" id="download" onClick={() => void download()}>
          <DownloadIcon /> Download
        </button>
      )}
      {problem.value && <Notice kind="error">{problem.value}</Notice>}
    </div>
  );
}

/** The learning rate may change while it trains. */
function HotRate({ run }: { run: Run }) {
  const now = run.latest.value?.learningRate;
  return (
    <StopSlider
      label="Learning rate from now on"
      stops={NUMBERS.learningRate.stops}
      value={run.learningRate.value}
      format={NUMBERS.learningRate.format}
      disabled={run.status.value === "finished"}
      note={now === undefined ? undefined : `The schedule makes it ${now.toPrecision(2)} at this step.`}
      onChange={(learningRate) => void run.adjust({ learningRate })}
    />
  );
}
