/** The form: what to train, on which text, and how. */
import { useComputed, useSignal } from "@preact/signals";
import { FileButton, Segmented, Select, StopSlider } from "../../parts/controls.tsx";
import { bytes, compact } from "../../parts/format.ts";
import { PlayIcon, UploadIcon } from "../../parts/icons.tsx";
import { TextInput } from "../../parts/text-input.tsx";
import {
  CHOICES,
  type ChoiceField,
  type ChoiceName,
  isTooShort,
  NUMBERS,
  type NumberField,
  type NumberName,
  type Settings,
} from "../../state/experiment.ts";
import { openModelFile, runs, startRun } from "../../state/runs.ts";
import { change, settings, size } from "../../state/settings.ts";
import { OWN, SUPPLIED } from "../../state/supplied.ts";
import { ownText } from "../../state/texts.ts";
import { CopyLink } from "./copy-link.tsx";
import { ModelLink } from "./model-link.tsx";

/** Choices that are many words long, or many: a list instead of buttons. */
const LISTS = new Set<ChoiceName>(["text", "optimizer", "schedule", "numerics"]);

/** What it is, and then who described it. */
function explain(help: string | undefined, paper: string | undefined): string {
  return [help, paper].filter(Boolean).join(" · ");
}

function Choose({ name }: { name: ChoiceName }) {
  const field: ChoiceField = CHOICES[name];
  const value = settings.value[name];
  const chosen = field.choices.find((one) => one.value === value);
  const note =
    name === "text" ? SUPPLIED.find(({ id }) => id === value)?.note : explain(field.help, chosen?.paper);
  const Control = LISTS.has(name) ? Select : Segmented;
  return (
    <Control
      label={field.label}
      choices={field.choices}
      value={value}
      note={note}
      onChange={(chosen: string) => change({ [name]: chosen } as Partial<Settings>)}
    />
  );
}

function Size({ name }: { name: NumberName }) {
  const field: NumberField = NUMBERS[name];
  const { label, stops, help, paper, format } = field;
  return (
    <StopSlider
      label={label}
      stops={stops}
      value={settings.value[name]}
      format={format}
      note={explain(help, paper)}
      onChange={(value) => change({ [name]: value })}
    />
  );
}

/** Why the reader's own text cannot be trained on, where that is sure beforehand. */
function lackOf(text: string): string | undefined {
  if (text.trim() === "") return "Paste or drop a text first.";
  if (!isTooShort(settings.value, text)) return undefined;
  const { batchSize, sequenceLength } = settings.value;
  return `Too short for a batch of ${batchSize} × ${sequenceLength} tokens: add text, or lower Batch or Sequence.`;
}

export function Experiment({ onProblem }: { onProblem: (message: string | undefined) => void }) {
  const isStarting = useSignal(false);
  const { text, tokenizer } = settings.value;
  const lack = text === OWN ? lackOf(ownText.value) : undefined;
  // A second click would start the same again before the first one shows anything.
  const isBusy = useComputed(
    () => isStarting.value || runs.value.some((run) => run.status.value === "opening"),
  );
  const start = async (): Promise<void> => {
    if (isBusy.peek()) return;
    onProblem(undefined);
    isStarting.value = true;
    try {
      await startRun(settings.peek());
    } catch (error) {
      onProblem((error as Error).message);
    } finally {
      isStarting.value = false;
    }
  };
  const open = async (file: File): Promise<void> => {
    onProblem(undefined);
    try {
      await openModelFile(file);
    } catch (error) {
      onProblem((error as Error).message);
    }
  };
  return (
    <aside class="experiment" aria-label="Settings of the experiment">
      <div class="panel settings">
        <Choose name="text" />
        {text === OWN && <TextInput />}
        <Choose name="tokenizer" />
        {tokenizer !== "char" && <Size name="vocabSize" />}
        <Choose name="cell" />
        <Size name="hiddenSize" />
        <Size name="numLayers" />
        <details class="more">
          <summary>Sizes and regularisation</summary>
          <Size name="embeddingSize" />
          <Size name="dropout" />
          <Size name="sequenceLength" />
          <Size name="batchSize" />
        </details>
        <details class="more">
          <summary>Optimisation</summary>
          <Choose name="optimizer" />
          <Size name="learningRate" />
          <Choose name="schedule" />
          <Size name="clip" />
          <Size name="seed" />
          <Choose name="numerics" />
        </details>
        <Size name="steps" />
        <div class="launch">
          <dl class="sizes">
            <div>
              <dt>Parameters</dt>
              <dd>{compact(size.value.parameters)}</dd>
            </div>
            <div>
              <dt>Memory, about</dt>
              <dd>{bytes(size.value.bytes)}</dd>
            </div>
          </dl>
          <button
            type="button"
            class="button primary"
            id="train"
            disabled={lack !== undefined}
            aria-disabled={isBusy.value}
            onClick={() => void start()}
          >
            <PlayIcon /> Train
          </button>
          {lack && (
            <p class="field-note" role="status">
              {lack}
            </p>
          )}
        </div>
      </div>
      <div class="row experiment-links">
        <CopyLink />
        <FileButton accept=".safetensors" class="quiet" onFile={(file) => void open(file)}>
          <UploadIcon /> Open a model
        </FileButton>
      </div>
      <ModelLink onProblem={onProblem} />
    </aside>
  );
}
