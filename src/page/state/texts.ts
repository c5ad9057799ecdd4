/** The texts to choose from, and the reader's own, which stays on this machine. */
import { signal } from "@preact/signals";
import { get, set } from "idb-keyval";
import { OWN, SUPPLIED } from "./supplied.ts";

/** The reader's own text. */
export const ownText = signal("");
get<string>("own text").then(
  (kept) => {
    if (kept && ownText.peek() === "") ownText.value = kept;
  },
  // A private window may have no storage: the text then lasts as long as the page.
  () => {},
);

export function setOwnText(text: string): void {
  ownText.value = text;
  set("own text", text).catch(() => {});
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
