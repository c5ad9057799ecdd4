/** Files that are dropped anywhere on the view: a model is opened, anything else is the text to train on. */
import { openModel } from "../../state/runs.ts";
import { change } from "../../state/settings.ts";
import { OWN } from "../../state/supplied.ts";
import { readTextFile } from "../../state/text-file.ts";
import { setOwnText } from "../../state/texts.ts";

/** @returns what ends it. */
export function takeDrops(onProblem: (error: Error) => void): () => void {
  const allow = (event: DragEvent): void => event.preventDefault();
  const take = (event: DragEvent): void => {
    // Without this the browser would leave the page for the file.
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) read(file).catch(onProblem);
  };
  addEventListener("dragover", allow);
  addEventListener("drop", take);
  return () => {
    removeEventListener("dragover", allow);
    removeEventListener("drop", take);
  };
}

async function read(file: File): Promise<void> {
  if (file.name.endsWith(".safetensors")) {
    await openModel(file.name.replace(/\.safetensors$/, ""), file);
    return;
  }
  setOwnText(await readTextFile(file));
  change({ text: OWN });
}
