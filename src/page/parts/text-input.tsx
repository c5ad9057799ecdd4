/** The reader's own text: pasted, dropped or from a file. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { ownText, setOwnText } from "../state/texts.ts";
import { FileButton } from "./controls.tsx";
import { integer } from "./format.ts";
import { UploadIcon } from "./icons.tsx";

const MOST_BYTES = 32 * 2 ** 20;
/** A text field with more in it makes the page slow. */
const MOST_SHOWN = 20_000;

export function TextInput() {
  const id = useId();
  const problem = useSignal<string | undefined>(undefined);
  const isOver = useSignal(false);
  const read = async (file: File): Promise<void> => {
    problem.value = undefined;
    if (file.size > MOST_BYTES) {
      problem.value = `${file.name} has ${integer(file.size)} bytes: at most ${integer(MOST_BYTES)} are read.`;
      return;
    }
    try {
      setOwnText(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
    } catch {
      problem.value = `${file.name} is not UTF-8 text.`;
    }
  };
  const text = ownText.value;
  const isLong = text.length > MOST_SHOWN;
  return (
    <fieldset
      aria-label="Your own text"
      class={isOver.value ? "text-input is-over" : "text-input"}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        const [file] = event.dataTransfer?.files ?? [];
        if (file) void read(file);
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
