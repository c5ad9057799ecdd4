/** What a model reads before the reader writes something. */
import { unknownIn } from "../../parts/unknown-note.tsx";
import { firstLines } from "../../state/held-out.ts";
import type { Run } from "../../state/runs.ts";

const FAMOUS =
  "Call me Ishmael. Some years ago, never mind how long, I thought I would sail about a little and see the watery part of the world.";
/** Columns that a laptop shows side by side. */
const MOST_CHARACTERS = 80;
/** Of a model that knows no famous words. */
const MOST_TOKENS = 24;

const given = new WeakMap<Run, string>();

/** The first whole lines of the run's held-out text; of a model that came without a text, something that it knows. */
export async function firstLinesFor(run: Run): Promise<string> {
  let text = given.get(run);
  if (text === undefined) {
    const heldOut = run.settings ? await run.heldOut().catch(() => "") : "";
    text = firstLines(heldOut, MOST_CHARACTERS) || knownTo(run);
    given.set(run, text);
  }
  return text;
}

/** A famous sentence, or the first tokens of its vocabulary. */
function knownTo(run: Run): string {
  const tokenizer = run.tokenizer.peek();
  if (!tokenizer || unknownIn(tokenizer, FAMOUS).length === 0) return FAMOUS;
  const ids = Array.from({ length: Math.min(MOST_TOKENS, tokenizer.vocabSize) }, (_, id) => id);
  const isKnown = (id: number): boolean => unknownIn(tokenizer, tokenizer.decode([id])).length === 0;
  // A strange vocabulary knows not even its own tokens as text.
  return tokenizer.decode(ids.filter(isKnown)).trim() || FAMOUS;
}
