/** A model from the web. A link that names one is not followed before the reader has agreed. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import { fetchModel } from "../../state/fetch-model.ts";
import { route } from "../../state/route.ts";
import { openModel } from "../../state/runs.ts";

export function ModelLink({ onProblem }: { onProblem: (message: string | undefined) => void }) {
  const id = useId();
  const details = useRef<HTMLDetailsElement>(null);
  const url = useSignal("");
  const share = useSignal<number | undefined>(undefined);
  // Also a link that is followed while the page is open.
  useSignalEffect(() => {
    const linked = route.value.params.get("model");
    if (!linked) return;
    url.value = linked;
    if (details.current) details.current.open = true;
  });
  const load = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (share.peek() !== undefined) return;
    onProblem(undefined);
    share.value = 0;
    try {
      const { name, bytes } = await fetchModel(url.value, (done) => (share.value = done));
      await openModel(name, bytes);
    } catch (error) {
      onProblem((error as Error).message);
    } finally {
      share.value = undefined;
    }
  };
  return (
    <details class="more model-link" ref={details}>
      <summary>Open a model from an address</summary>
      <form onSubmit={(event) => void load(event)}>
        <label class="field-label" for={id}>
          Address of a .safetensors file
        </label>
        <div class="row">
          <input
            id={id}
            // Not "url", which refuses an address of this site's own without its beginning.
            type="text"
            inputMode="url"
            required
            placeholder="https://…"
            value={url.value}
            onInput={(event) => {
              url.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button" aria-disabled={share.value !== undefined}>
            {share.value === undefined ? "Load" : `${Math.round(100 * share.value)} %`}
          </button>
        </div>
        <p class="field-note">At most 64 MB; its server must allow other sites to read it (CORS).</p>
      </form>
    </details>
  );
}
