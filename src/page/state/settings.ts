/** The settings in the form, which are in the address too. */
import { computed, effect, signal } from "@preact/signals";
import {
  countCharacters,
  countParameters,
  estimateMemory,
  expectedVocabulary,
  readSettings,
  type Settings,
  writeSettings,
} from "./experiment.ts";
import { replaceParams, route } from "./route.ts";
import { OWN } from "./supplied.ts";
import { loadText, ownText } from "./texts.ts";

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

/** The text whose characters are the tokens. */
const read = computed(() => (settings.value.tokenizer === "char" ? settings.value.text : undefined));
/** How many it has; until it is loaded, as many as the novel. */
const characters = signal(83);
effect(() => {
  const id = read.value;
  if (id === undefined) return;
  // Read, so that what the reader types is counted.
  if (id === OWN) ownText.value;
  loadText(id).then(
    (text) => {
      if (read.peek() === id) characters.value = countCharacters(text);
    },
    // Said when it is to be trained on.
    () => {},
  );
});

/** What the form's sizes come to. */
export const size = computed(() => {
  const vocabSize = expectedVocabulary(settings.value, characters.value);
  return {
    parameters: countParameters({ ...settings.value, vocabSize }),
    bytes: estimateMemory(settings.value, vocabSize),
  };
});
