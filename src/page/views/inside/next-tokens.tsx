/** What the model expects at every position: at the one looked at in full, at all others how well it was prepared. */
import type { Inspection } from "unrolled";
import { percent, visible } from "../../parts/format.ts";
import { Bars } from "../../parts/token-stream.tsx";
import { looked } from "./looked.ts";

export function NextTokens({ seen }: { seen: Inspection }) {
  const { step } = looked.value;
  const actual = seen.tokens[step + 1];
  const chance = seen.probabilities[step];
  const items = seen.next[step].map(({ id, probability }) => ({ text: seen.names[id], probability }));
  return (
    <section class="panel next" aria-label="Next-token probabilities">
      <h3>
        After <q>{visible(tail(seen.tokens.slice(0, step + 1).join("")))}</q> it expects
      </h3>
      <Bars items={items} chosen={actual} />
      <p class="field-note">
        {actual === undefined ? (
          "The text ends here."
        ) : (
          <>
            It is followed by <b>{visible(actual)}</b>, which it gave {percent(chance)}.
          </>
        )}
      </p>
      <div class="chances" aria-hidden="true">
        {Array.from(seen.probabilities, (probability, t) => (
          <button
            key={t}
            type="button"
            tabIndex={-1}
            class={t === step ? "is-on" : undefined}
            title={`${visible(seen.tokens[t])} → ${visible(seen.tokens[t + 1] ?? "")}`}
            onClick={() => {
              looked.value = { ...looked.peek(), step: t };
            }}
          >
            <span
              style={{ transform: `scaleY(${Number.isNaN(probability) ? 0 : Math.max(0.02, probability)})` }}
            />
          </button>
        ))}
      </div>
      <p class="field-note">Each bar: the probability that it gave to what really came.</p>
    </section>
  );
}

function tail(text: string): string {
  return text.length > 18 ? `…${text.slice(-17)}` : text;
}
