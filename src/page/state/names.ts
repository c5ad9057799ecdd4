/** What runs are called, so that one can be told from another. */
import {
  CHOICES,
  type ChoiceField,
  NUMBERS,
  type NumberField,
  type Settings,
  writeSettings,
} from "./experiment.ts";

/** The network's settings; tokens where they are not the usual ones. */
export function modelName({ cell, hiddenSize, numLayers, tokenizer }: Settings): string {
  const layers = numLayers > 1 ? `${numLayers}×${hiddenSize}` : String(hiddenSize);
  const tokens = tokenizer === "char" ? "" : tokenizer === "bpe" ? ", byte pairs" : ", words";
  return `${cell.toUpperCase()} ${layers}${tokens}`;
}

/** The main settings; the text where it is not the usual one. */
function mainName(settings: Settings): string {
  const { text } = settings;
  const source = text === "moby-dick" ? "" : `, ${text === "own" ? "own text" : text}`;
  return modelName(settings) + source;
}

const IN_MAIN_NAME = new Set<string>(["cell", "hiddenSize", "numLayers", "tokenizer", "text"]);

/** A setting's value in a word or two. */
function say(name: keyof Settings, settings: Settings): string {
  const value = settings[name];
  if (name in CHOICES) {
    const field: ChoiceField = CHOICES[name as keyof typeof CHOICES];
    const chosen = field.choices.find((choice) => choice.value === value)?.label ?? String(value);
    // An optimizer's name says what it is; of other words one has to.
    return name === "optimizer" ? chosen : `${field.label} ${chosen}`.toLowerCase();
  }
  const { label, format = String }: NumberField = NUMBERS[name as keyof typeof NUMBERS];
  return `${label.toLowerCase()} ${format(value as number)}`;
}

/** Whether the name, or that it has no effect, makes it needless to say. */
function isPlain(name: keyof Settings, { tokenizer }: Settings): boolean {
  return IN_MAIN_NAME.has(name) || (name === "vocabSize" && tokenizer === "char");
}

/** What a run's name leaves out: all that differs from the defaults. */
export function differences(settings: Settings): string {
  const names = [...writeSettings(settings).keys()] as (keyof Settings)[];
  return names
    .filter((name) => !isPlain(name, settings))
    .map((name) => say(name, settings))
    .join(", ");
}

/**
 * The names of runs, by their settings or their file's name: the main settings, what else differs between those that
 * have these in common, and a number where nothing does.
 */
export function namesOf(runs: readonly (Settings | string)[]): string[] {
  const main = runs.map((run) => (typeof run === "string" ? run : mainName(run)));
  const alike = new Map<string, Settings[]>();
  for (const [i, run] of runs.entries()) {
    if (typeof run !== "string") alike.set(main[i], [...(alike.get(main[i]) ?? []), run]);
  }
  const counts = new Map<string, number>();
  return runs.map((run, i) => {
    let name = main[i];
    if (typeof run !== "string") {
      for (const key of Object.keys(run) as (keyof Settings)[]) {
        if (isPlain(key, run)) continue;
        if (alike.get(main[i])?.some((other) => other[key] !== run[key])) name += `, ${say(key, run)}`;
      }
    }
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name} · ${count}`;
  });
}
