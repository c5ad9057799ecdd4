/** The reader's own text: pasted, dropped or from a file. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { readTextFile } from "../state/text-file.ts";
import { ownText, setOwnText } from "../state/texts.ts";
import { FileButton } from "./controls.tsx";
import { hasFiles } from "./drops.ts";
import { integer } from "./format.ts";
import { UploadIcon } from "./icons.tsx";

/** A text field with more in it makes the page slow. */
const MOST_SHOWN = 20_000;

export function TextInput() {
  const id = useId();
  const problem = useSignal<string | undefined>(undefined);
  const isOver = useSignal(false);
  const read = async (file: File): Promise<void> => {
    problem.value = undefined;
    try {
      setOwnText(await readTextFile(file));
    } catch (error) {
      problem.value = (error as Error).message;
    }
  };
  const text = ownText.value;
  const isLong = text.length > MOST_SHOWN;
  return (
    <fieldset
      aria-label="Your own text"
      class={isOver.value ? "text-input is-over" : "text-input"}
      onDragOver={(event) => {
        isOver.value = hasFiles(event);
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        isOver.value = false;
        const [file] = event.dataTransfer?.files ?? [];
        if (!file) return;
        // The view would take it as well.
        event.preventDefault();
        event.stopPropagation();
        void read(file);
      }}
    >
      <label class="field-label" for={id}>
        Your text
      </label>
      <textarea
        id={id}
        rows={6}
        spellcheck={false}
        placeholder="Paste a text here, or drop a file: some ten thousand characters at least."
        value={isLong ? `${text.slice(0, MOST_SHOWN)}…` : text}
        readOnly={isLong}
        onInput={(event) => setOwnText(event.currentTarget.value)}
      />
      <div class="row">
        <FileButton accept="text/*,.txt,.md,.csv,.json" class="quiet" onFile={(file) => void read(file)}>
          <UploadIcon /> A file
        </FileButton>
        {text !== "" && (
          <button type="button" class="button quiet" onClick={() => setOwnText("")}>
            Clear
          </button>
        )}
        <span class="field-note">{integer(text.length)} characters, kept in this browser alone</span>
      </div>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </fieldset>
  );
}
