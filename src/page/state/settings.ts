/** The settings in the form, which are in the address too. */
import { computed, effect, signal } from "@preact/signals";
import {
  countParameters,
  estimateMemory,
  expectedVocabulary,
  readSettings,
  type Settings,
  writeSettings,
} from "./experiment.ts";
import { replaceParams, route } from "./route.ts";

export const settings = signal(readSettings(route.peek().params));

// A link that is followed while the page is open brings its settings.
effect(() => {
  const { view, params } = route.value;
  if (view === "train" && params.size > 0) settings.value = readSettings(params);
});
effect(() => {
  const params = writeSettings(settings.value);
  if (route.value.view === "train") replaceParams(params);
});

export function change(changes: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...changes };
}

/** What the form's sizes come to. */
export const size = computed(() => {
  const vocabSize = expectedVocabulary(settings.value);
  return {
    parameters: countParameters({ ...settings.value, vocabSize }),
    bytes: estimateMemory(settings.value, vocabSize),
  };
});
