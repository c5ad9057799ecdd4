/** A model from the web. A link that names one is not followed before the reader has agreed. */
import { useSignal } from "@preact/signals";
import { useId, useState } from "preact/hooks";
import { fetchModel } from "../../state/fetch-model.ts";
import { route } from "../../state/route.ts";
import { openModel } from "../../state/runs.ts";

export function ModelLink({ onProblem }: { onProblem: (message: string | undefined) => void }) {
  const id = useId();
  const [linked] = useState(() => route.peek().params.get("model") ?? "");
  const url = useSignal(linked);
  const share = useSignal<number | undefined>(undefined);
  const load = async (event: Event): Promise<void> => {
    event.preventDefault();
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
    <details class="more model-link" open={linked !== ""}>
      <summary>Open a model from an address</summary>
      <form onSubmit={(event) => void load(event)}>
        <label class="field-label" for={id}>
          Address of a .safetensors file
        </label>
        <div class="row">
          <input
            id={id}
            type="url"
            required
            placeholder="https://…"
            value={url.value}
            onInput={(event) => {
              url.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button" disabled={share.value !== undefined}>
            {share.value === undefined ? "Load" : `${Math.round(100 * share.value)} %`}
          </button>
        </div>
        <p class="field-note">At most 64 MB; its server must allow other sites to read it (CORS).</p>
      </form>
    </details>
  );
}
