/** What the readers of JSON files share: kinds of values, and how one is shown in a message. */

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An integer from 0 that a double holds exactly: a size, an offset, an id. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Cut, so that a broken file makes no message of megabytes. */
export function show(value: unknown): string {
  let text = "something nested too deeply to be shown";
  try {
    text = JSON.stringify(value) ?? "nothing";
  } catch {
    // JSON.parse goes deeper than JSON.stringify.
  }
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
