/** How much of the browser's storage the page takes, with all its runs. */
import { signal } from "@preact/signals";

/** Bytes; 0 where the browser does not say. */
export const storedBytes = signal(0);

export async function measureStorage(): Promise<void> {
  try {
    storedBytes.value = (await navigator.storage.estimate()).usage ?? 0;
  } catch {
    // Without https: there is no such thing.
  }
}
