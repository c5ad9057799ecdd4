import { stripVTControlCharacters } from "node:util";

/** Whether standard output takes colours: a terminal's does, unless NO_COLOR or FORCE_COLOR say otherwise. */
export function hasColours(): boolean {
  const { FORCE_COLOR } = process.env;
  if (FORCE_COLOR !== undefined) return ["", "1", "true", "2", "3"].includes(FORCE_COLOR);
  return process.stdout.isTTY && process.stdout.hasColors();
}

/** A line to standard output; without its colours where that takes none. */
export function print(text: string): void {
  console.log(hasColours() ? text : stripVTControlCharacters(text));
}

/** A model's or a file's text for standard output: a terminal must not obey it, a file gets it as it is. */
export function forOutput(text: string): string {
  return process.stdout.isTTY ? withoutControls(text) : text;
}

/** The text without the control characters that a terminal would obey, but for line feeds and tabs. */
export function withoutControls(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, " ");
}
