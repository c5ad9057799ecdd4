/** Pieces of a held-out text for a model to go on from. */

const PROMPT_CHARACTERS = 90;
/** As many characters of the real text as about as many tokens. */
const TRUTH_CHARACTERS = 120;

/** The first whole sentence or line, or as much of it as a prompt needs: what samples go on from. */
export function firstPrompt(text: string): string {
  const heldOut = text.slice(0, 2000);
  const from = startOf(/(?:[.!?]\s+|\n\s*)(?=\S)/, heldOut);
  const end = from + 24 + heldOut.slice(from + 24, from + 60).search(/\s/);
  return heldOut.slice(from, end < from + 24 ? outsidePairs(heldOut, from + 32) : end + 1);
}

/** The first whole lines, as many as fit into so many characters; of a line that is longer its first words. */
export function firstLines(text: string, most: number): string {
  const part = text.slice(0, 20 * most);
  const lines = part.slice(startOf(/\n\s*(?=\S)/, part));
  const fitting = lines.slice(0, most + 1);
  const cut = [fitting.lastIndexOf("\n"), fitting.lastIndexOf(" ")].find((at) => at > 0);
  return lines.slice(0, cut ?? outsidePairs(lines, most)).trimEnd();
}

/** Behind the first match of what ends a piece, or where the text begins. */
function startOf(end: RegExp, text: string): number {
  const found = end.exec(text);
  return found ? found.index + found[0].length : Math.max(0, text.search(/\S/));
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
  const space = heldOut.slice(from, end).search(/\s\S*$/);
  const cut = space > 0 ? from + space + 1 : end;
  return { prompt: heldOut.slice(from, cut), truth: heldOut.slice(cut, cut + TRUTH_CHARACTERS) };
}

/** The place, or the next one where it would cut a surrogate pair. */
function outsidePairs(text: string, at: number): number {
  return /[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(Math.max(0, at - 1), at + 1)) ? at + 1 : at;
}
