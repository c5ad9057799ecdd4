/** Takes a run away. What was trained does not come back, so it asks first. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { CloseIcon } from "../../parts/icons.tsx";
import type { Run } from "../../state/runs.ts";

export function RemoveButton({ run }: { run: Run }) {
  const isAsking = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const wasAsked = useRef(false);
  useLayoutEffect(() => {
    // One button takes the other's place, and its focus.
    if (wasAsked.current !== isAsking.value) button.current?.focus();
    wasAsked.current = isAsking.value;
  }, [isAsking.value]);
  const ask = (value: boolean) => (): void => {
    isAsking.value = value;
  };
  const remove = (): void => {
    void run.remove();
    requestAnimationFrame(() => {
      const next = document.querySelector(".run-tab.is-on .run-name") ?? document.querySelector("#train");
      (next as HTMLElement | null)?.focus();
    });
  };
  if (!isAsking.value) {
    return (
      <button
        type="button"
        class="icon-button small"
        aria-label={`Remove ${run.name}`}
        ref={button}
        onClick={() => (run.step.peek() > 0 ? ask(true) : remove)()}
      >
        <CloseIcon />
      </button>
    );
  }
  return (
    <fieldset
      class="removal"
      aria-label={`Remove ${run.name}, and what it has learnt?`}
      onKeyDown={(event) => {
        if (event.key === "Escape") isAsking.value = false;
      }}
    >
      {/* The safe answer lies under a second click. */}
      <button type="button" class="button" ref={button} onClick={ask(false)}>
        Keep
      </button>
      <button type="button" class="button danger" onClick={remove}>
        Remove
      </button>
    </fieldset>
  );
}
