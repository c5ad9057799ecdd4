/** The byte pairs that the view shows: learnt from a text in the laboratory, and cut to as many as the slider says. */
import { computed, signal } from "@preact/signals";
import { type BPEOutput, cutTo } from "../../lab/bpe.ts";
import { Lab } from "../../lab/lab.ts";
import { ByteLevelBPETokenizer } from "../../library.ts";
import { loadText } from "../../state/texts.ts";

const lab = new Lab();
/** The bytes, which every vocabulary has. */
export const BYTES = 256;

export interface Learnt extends BPEOutput {
  /** What it was learnt from. */
  source: string;
}

export const learnt = signal<Learnt | undefined>(undefined);
/** How many of its tokens are in use. */
export const size = signal(BYTES);
export const progress = signal<string | undefined>(undefined);
export const problem = signal<string | undefined>(undefined);

/** The tokenizer as it was when it had learnt so many tokens. */
export const tokenizer = computed(() => {
  if (!learnt.value) return undefined;
  const { description } = learnt.value;
  const count = Math.min(size.value, description.tokens.length);
  return new ByteLevelBPETokenizer(cutTo(description, count));
});

let growing: number | undefined;

/** Shows the vocabulary growing from bytes to all that was learnt; at once where motion is not wanted. */
export function grow(): void {
  const end = learnt.peek()?.description.tokens.length ?? BYTES;
  stopGrowing();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    size.value = end;
    return;
  }
  const start = performance.now();
  const step = (now: number): void => {
    // Slowly at first, where each merge shows.
    const done = Math.min(1, (now - start) / 3500);
    size.value = Math.round(BYTES * (end / BYTES) ** (done * done * (3 - 2 * done)));
    growing = done < 1 ? requestAnimationFrame(step) : undefined;
  };
  growing = requestAnimationFrame(step);
}

export function stopGrowing(): void {
  if (growing !== undefined) cancelAnimationFrame(growing);
  growing = undefined;
}

/** Shows at once what it is growing to. */
export function finishGrowing(): void {
  if (growing === undefined) return;
  stopGrowing();
  size.value = learnt.peek()?.description.tokens.length ?? BYTES;
}

export async function learn(textId: string, source: string, vocabSize: number): Promise<void> {
  problem.value = undefined;
  progress.value = "Reading …";
  stopGrowing();
  try {
    const text = await loadText(textId);
    const output = await lab.run("bpe", { text, vocabSize }, (status) => {
      progress.value =
        status.phase === "count"
          ? `Counting words: ${status.characters.toLocaleString("en")} characters read`
          : `Merging: ${status.tokens.toLocaleString("en")} tokens`;
    });
    learnt.value = { ...output, source };
    size.value = BYTES;
    grow();
  } catch (error) {
    problem.value = (error as Error).message;
  } finally {
    progress.value = undefined;
  }
}
