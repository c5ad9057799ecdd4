/** The address of the experiment, to give to others. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { copyText } from "../../clipboard.ts";
import { LinkIcon } from "../../parts/icons.tsx";

export function CopyLink() {
  const id = useId();
  const copied = useSignal(false);
  /** The link, where the reader has to copy it. */
  const shown = useSignal<string | undefined>(undefined);
  const copy = async (): Promise<void> => {
    const link = location.href;
    if (!(await copyText(link))) {
      shown.value = link;
      return;
    }
    shown.value = undefined;
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 2000);
  };
  return (
    <>
      <button type="button" class="button quiet" onClick={() => void copy()}>
        <LinkIcon /> <span aria-live="polite">{copied.value ? "Copied" : "Link to this"}</span>
      </button>
      {shown.value !== undefined && (
        <div class="copy-by-hand">
          <label class="field-label" for={id}>
            This browser lets the page copy nothing here: copy the link yourself
          </label>
          <input
            id={id}
            type="text"
            readOnly
            value={shown.value}
            ref={(field) => {
              field?.focus();
              field?.select();
            }}
          />
        </div>
      )}
    </>
  );
}
