/** Generated tokens, each shaded by how sure the model was; the one looked at shows what else it thought of. */
import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import type { GeneratedToken } from "unrolled";
import { percent, visible } from "./format.ts";
import { moveFocus } from "./move-focus.ts";

export interface NamedToken extends GeneratedToken {
  others: { text: string; probability: number }[];
}

export function TokenStream({
  prompt,
  tokens,
  isBusy,
}: {
  prompt: string;
  tokens: readonly NamedToken[];
  isBusy?: boolean;
}) {
  const looked = useSignal<number | undefined>(undefined);
  const token = looked.value === undefined ? undefined : tokens[looked.value];
  return (
    <div class="stream">
      <p class="stream-text">
        <span class="prompt">{prompt}</span>
        {tokens.map((one, i) => (
          <Fragment key={i}>
            {/* biome-ignore lint/a11y/useSemanticElements: a line would break before and after each <button>. */}
            <span
              role="button"
              tabIndex={i === (looked.value ?? 0) ? 0 : -1}
              class={i === looked.value ? "stream-token is-on" : "stream-token"}
              style={{ "--sure": one.probability.toFixed(3) } as never}
              aria-label={`${visible(one.text)}, ${percent(one.probability)}`}
              onMouseEnter={() => (looked.value = i)}
              onFocus={() => (looked.value = i)}
              onKeyDown={moveFocus}
            >
              {one.text.replaceAll("\n", "⏎")}
            </span>
            {one.text.endsWith("\n") && <br />}
          </Fragment>
        ))}
        {isBusy && <span class="caret" aria-hidden="true" />}
      </p>
      {token && (
        <div class="others" aria-live="polite">
          <Bars items={token.others} chosen={token.text} />
        </div>
      )}
    </div>
  );
}

/** Tokens and their probabilities, as bars. */
export function Bars({
  items,
  chosen,
}: {
  items: readonly { text: string; probability: number }[];
  chosen?: string;
}) {
  return (
    <ol class="bars">
      {items.map(({ text, probability }) => (
        <li key={text} class={text === chosen ? "is-chosen" : undefined}>
          <span class="bar-token">{visible(text)}</span>
          <span class="bar-track">
            <span class="bar-fill" style={{ transform: `scaleX(${probability})` }} />
          </span>
          <span class="bar-value">{percent(probability)}</span>
        </li>
      ))}
    </ol>
  );
}
