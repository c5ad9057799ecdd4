/** The texts to choose from, and the reader's own, which stays on this machine. */
import { signal } from "@preact/signals";
import { get, set } from "idb-keyval";
import { OWN, SUPPLIED } from "./supplied.ts";

/**
 * False where the browser keeps nothing for the page: site data are blocked, or the window is a private one. Runs then end
 * with the page.
 */
export const isKept = signal(true);

/** The reader's own text. */
export const ownText = signal("");

async function restoreOwnText(): Promise<void> {
  try {
    const kept = await get<string>("own text");
    if (kept && ownText.peek() === "") ownText.value = kept;
  } catch {
    isKept.value = false;
  }
}
void restoreOwnText();

export function setOwnText(text: string): void {
  ownText.value = text;
  if (isKept.peek()) set("own text", text).catch(() => {});
}

const loaded = new Map<string, Promise<string>>();

/** @throws Error if a supplied text cannot be fetched. */
export function loadText(id: string): Promise<string> {
  if (id === OWN) return Promise.resolve(ownText.peek());
  const supplied = SUPPLIED.find((text) => text.id === id) ?? SUPPLIED[0];
  let text = loaded.get(supplied.id);
  if (!text) {
    text = supplied.load();
    loaded.set(supplied.id, text);
    // A later try may have better luck.
    text.catch(() => loaded.delete(supplied.id));
  }
  return text;
}
