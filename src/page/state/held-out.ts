/** Pieces of a held-out text for a model to go on from. */

const PROMPT_CHARACTERS = 90;
/** As many characters of the real text as about as many tokens. */
const TRUTH_CHARACTERS = 120;

/** The first whole sentence or line, or as much of it as a prompt needs: what samples go on from. */
export function firstPrompt(text: string): string {
  const heldOut = text.slice(0, 2000);
  const start = /(?:[.!?]\s+|\n\s*)(?=\S)/.exec(heldOut);
  const from = start ? start.index + start[0].length : 0;
  const end = heldOut.indexOf(" ", from + 24);
  return heldOut.slice(from, end < 0 || end > from + 60 ? outsidePairs(heldOut, from + 32) : end + 1);
}

/**
 * A piece that begins and ends between words, where there are spaces and lines, and how it really goes on.
 * @param where how far into the text, from 0 to below 1.
 */
export function pieceOf(heldOut: string, where: number): { prompt: string; truth: string } {
  const last = Math.max(0, heldOut.length - PROMPT_CHARACTERS - TRUTH_CHARACTERS);
  const start = outsidePairs(heldOut, Math.floor(where * last));
  const from = start + Math.max(0, heldOut.slice(start, start + PROMPT_CHARACTERS).search(/(?<=\s)\S/));
  const end = outsidePairs(heldOut, from + PROMPT_CHARACTERS);
  const space = heldOut.lastIndexOf(" ", end);
  const cut = space > from ? space + 1 : end;
  return { prompt: heldOut.slice(from, cut), truth: heldOut.slice(cut, cut + TRUTH_CHARACTERS) };
}

/** The place, or the next one where it would cut a surrogate pair. */
function outsidePairs(text: string, at: number): number {
  return /[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(Math.max(0, at - 1), at + 1)) ? at + 1 : at;
}
