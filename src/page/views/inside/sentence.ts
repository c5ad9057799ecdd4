/** What a model reads before the reader writes something, and what of a sentence it cannot know. */
import { CharacterTokenizer, readStoredText, splitText, tokenizerFromJSON, WordTokenizer } from "unrolled";
import type { Run } from "../../state/runs.ts";
import { loadText } from "../../state/texts.ts";

const DEFAULT =
  "Call me Ishmael. Some years ago, never mind how long, I thought I would sail about a little and see the watery part of the world.";
/** Columns that a laptop shows side by side. */
const MOST_CHARACTERS = 80;

const firstLines = new WeakMap<Run, string>();

/** The first whole lines of the run's held-out text, as many as fit; of a model that came without a text, a famous one. */
export async function firstLinesFor(run: Run): Promise<string> {
  let lines = firstLines.get(run);
  if (lines === undefined) {
    const { validationFraction = 0.1 } = (await run.trainer()).info.options;
    const text = await textOf(run);
    lines = (text && linesOf(splitText(text, validationFraction)[1])) || DEFAULT;
    firstLines.set(run, lines);
  }
  return lines;
}

async function textOf({ checkpoint, settings }: Run): Promise<string | undefined> {
  const kept = checkpoint === undefined ? undefined : await readStoredText(checkpoint);
  return kept ?? (settings && loadText(settings.text));
}

function linesOf(heldOut: string): string {
  const part = heldOut.slice(0, 20 * MOST_CHARACTERS);
  const start = /\n\s*(?=\S)/.exec(part);
  const lines = part.slice(start ? start.index + start[0].length : 0);
  const most = lines.slice(0, MOST_CHARACTERS + 1);
  const cut = [most.lastIndexOf("\n"), most.lastIndexOf(" ")].find((at) => at > 0) ?? MOST_CHARACTERS;
  return lines.slice(0, cut).trimEnd();
}

/** The distinct characters, or words, that the model's tokenizer has no token for. */
export function unknownIn(tokenizer: object | undefined, sentence: string): string[] {
  if (!tokenizer || !("kind" in tokenizer)) return [];
  const read = tokenizerFromJSON(tokenizer);
  if (read instanceof CharacterTokenizer) return read.unknownCharacters(sentence);
  return read instanceof WordTokenizer ? read.unknownWords(sentence) : [];
}
