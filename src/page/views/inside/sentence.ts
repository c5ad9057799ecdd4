/** What a model reads before the reader writes something. */
import type { Run } from "../../state/runs.ts";

const DEFAULT =
  "Call me Ishmael. Some years ago, never mind how long, I thought I would sail about a little and see the watery part of the world.";
/** Columns that a laptop shows side by side. */
const MOST_CHARACTERS = 80;

const firstLines = new WeakMap<Run, string>();

/** The first whole lines of the run's held-out text, as many as fit; of a model that came without a text, a famous one. */
export async function firstLinesFor(run: Run): Promise<string> {
  let lines = firstLines.get(run);
  if (lines === undefined) {
    const heldOut = run.settings ? await run.heldOut().catch(() => "") : "";
    lines = linesOf(heldOut) || DEFAULT;
    firstLines.set(run, lines);
  }
  return lines;
}

function linesOf(heldOut: string): string {
  const part = heldOut.slice(0, 20 * MOST_CHARACTERS);
  const start = /\n\s*(?=\S)/.exec(part);
  const lines = part.slice(start ? start.index + start[0].length : 0);
  const most = lines.slice(0, MOST_CHARACTERS + 1);
  const cut = [most.lastIndexOf("\n"), most.lastIndexOf(" ")].find((at) => at > 0) ?? MOST_CHARACTERS;
  return lines.slice(0, cut).trimEnd();
}
