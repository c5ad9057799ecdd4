/** A sentence unrolled: what each unit held at each token, and what the model expected next. */
import { computed, signal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import type { Inspection } from "unrolled";
import { FileButton, Notice, Segmented } from "../parts/controls.tsx";
import { useDrops } from "../parts/drops.ts";
import { UploadIcon } from "../parts/icons.tsx";
import { UnknownNote } from "../parts/unknown-note.tsx";
import { readSettings } from "../state/experiment.ts";
import { openModelFile, type Run, runs, select, selected, startRun } from "../state/runs.ts";
import { Equations } from "./inside/equations.tsx";
import { FollowedText } from "./inside/followed-text.tsx";
import { HeatMap } from "./inside/heat-map.tsx";
import { looked, SERIES, seriesOf } from "./inside/looked.ts";
import { NextTokens } from "./inside/next-tokens.tsx";
import { firstLinesFor } from "./inside/sentence.ts";

/** The reader's sentence; until there is one, each run's own first lines. */
const written = signal<string | undefined>(undefined);
const given = signal<{ run: Run; text: string } | undefined>(undefined);
const sentence = computed(
  () => written.value ?? (given.value?.run === selected.value ? given.value?.text : undefined) ?? "",
);
const seen = signal<Inspection | undefined>(undefined);
const problem = signal<string | undefined>(undefined);
const MOST_CHARACTERS = 400;
/** How often a run that trains is looked at anew, in milliseconds. */
const EVERY = 1000;

let isBusy = false;
/** Who is to be looked at next: while one look goes on the latest wish waits, and no other. */
let waiting: Run | undefined;
async function look(run: Run): Promise<void> {
  if (isBusy) {
    waiting = run;
    return;
  }
  isBusy = true;
  try {
    const trainer = await run.trainer();
    const own = await firstLinesFor(run);
    given.value = { run, text: own };
    const text = written.peek() ?? own;
    if (text === "") {
      problem.value = undefined;
      return;
    }
    const { layer, unit } = looked.peek();
    const { hiddenSize, numLayers = 1 } = trainer.info.config;
    const inside = { layer: Math.min(layer, numLayers - 1), index: Math.min(unit, hiddenSize - 1) };
    const found = await trainer.inspect(text, { unit: inside, alternatives: 6 });
    // What was chosen while the model looked stays: a look at that follows.
    const now = looked.peek();
    looked.value = {
      ...now,
      layer: Math.min(now.layer, numLayers - 1),
      unit: Math.min(now.unit, hiddenSize - 1),
      step: Math.min(now.step, found.tokens.length - 1),
    };
    seen.value = found;
    problem.value = undefined;
  } catch (error) {
    // Of a run that was removed meanwhile there is nothing to say.
    if (runs.peek().includes(run)) problem.value = (error as Error).message;
  } finally {
    isBusy = false;
    const next = waiting;
    waiting = undefined;
    if (next) void look(next);
  }
}

export function InsideView() {
  const id = useId();
  const run = selected.value;
  const { layer, unit } = looked.value;
  const own = written.value;
  const text = sentence.value;
  const status = run?.status.value;
  useDrops((file) => void open(file));
  useEffect(() => {
    if (run) void look(run);
  }, [run, own, layer, unit, status === "finished", status === "paused"]);
  useEffect(() => {
    if (!run || status !== "training") return;
    const timer = setInterval(() => void look(run), EVERY);
    return () => clearInterval(timer);
  }, [run, status]);
  return (
    <div class="view inside">
      <header class="view-head">
        <h1>Inside, one token after another</h1>
        <p class="deck">
          The network reads from left to right, and all that it knows of what came before is a row of numbers.
          Here they are: a column a token, a row a unit.
        </p>
      </header>
      {!run ? (
        <NoModel />
      ) : (
        <>
          <div class="panel inside-controls">
            <div class="row">
              <RunPicker />
              <FileButton accept=".safetensors" class="quiet" onFile={(file) => void open(file)}>
                <UploadIcon /> Open a model
              </FileButton>
            </div>
            <div class="field">
              <label class="field-label" for={id}>
                A sentence
              </label>
              <textarea
                id={id}
                rows={2}
                maxLength={MOST_CHARACTERS}
                spellcheck={false}
                value={text}
                onInput={(event) => {
                  written.value = event.currentTarget.value;
                }}
              />
              <UnknownNote tokenizer={run.tokenizer.value} text={text} />
            </div>
            {status === "training" && (
              <p class="field-note" aria-live="polite">
                It is training: what you see follows, once a second.
              </p>
            )}
          </div>
          {problem.value && <Notice kind="error">{problem.value}</Notice>}
          {own === "" ? (
            <p class="quiet">Write something for the model to read.</p>
          ) : seen.value ? (
            <Look seen={seen.value} />
          ) : (
            <p class="quiet">{problem.value ? "" : "Looking …"}</p>
          )}
        </>
      )}
    </div>
  );
}

async function open(file: File): Promise<void> {
  problem.value = undefined;
  try {
    await openModelFile(file);
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

function RunPicker() {
  const id = useId();
  return (
    <div class="field inline">
      <label class="field-label" for={id}>
        Model
      </label>
      <select
        id={id}
        value={selected.value?.id}
        onChange={(event) => {
          const run = runs.peek().find((one) => one.id === event.currentTarget.value);
          if (run) select(run);
        }}
      >
        {runs.value.map((run) => (
          <option key={run.id} value={run.id} selected={run === selected.value}>
            {run.name}
          </option>
        ))}
      </select>
    </div>
  );
}

function NoModel() {
  const small = (): void => {
    const settings = readSettings(
      new URLSearchParams("hiddenSize=64&embeddingSize=32&steps=1500&learningRate=0.01"),
    );
    void startRun(settings).catch((error) => {
      problem.value = (error as Error).message;
    });
  };
  return (
    <div class="empty">
      <h2>There is no model to look into yet</h2>
      <p>
        Train one: a small LSTM on Moby-Dick takes less than a minute, and you can watch its units find their
        tasks.
      </p>
      <div class="row">
        <button type="button" class="button primary" id="small" onClick={small}>
          Train a small one here
        </button>
        <FileButton accept=".safetensors" onFile={(file) => void open(file)}>
          <UploadIcon /> Open a model
        </FileButton>
      </div>
      {problem.value && <Notice kind="error">{problem.value}</Notice>}
    </div>
  );
}

function Look({ seen }: { seen: Inspection }) {
  const { layer, series } = looked.value;
  const shown = seen.layers[Math.min(layer, seen.layers.length - 1)];
  const available = Object.keys(SERIES).filter((name) => seriesOf(shown, name) !== undefined);
  const current = available.includes(series) ? series : "hidden";
  return (
    <>
      <div class="row look-controls">
        {seen.layers.length > 1 && (
          <Segmented
            label="Layer"
            choices={seen.layers.map((_, i) => ({ value: String(i), label: String(i + 1) }))}
            value={String(layer)}
            onChange={(value) => {
              looked.value = { ...looked.peek(), layer: Number(value), unit: 0 };
            }}
          />
        )}
        {available.length > 1 && (
          <Segmented
            label="What to show"
            choices={available.map((name) => ({ value: name, label: SERIES[name].label }))}
            value={current}
            note={SERIES[current].says}
            onChange={(value) => {
              looked.value = { ...looked.peek(), series: value };
            }}
          />
        )}
      </div>
      <HeatMap seen={seen} layer={shown} series={current} />
      <FollowedText seen={seen} layer={shown} series={current} />
      <div class="inside-columns">
        <NextTokens seen={seen} />
        <Equations seen={seen} />
      </div>
    </>
  );
}
