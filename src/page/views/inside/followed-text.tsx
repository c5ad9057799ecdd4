/** The text in the colours of one unit: what does it follow? (Karpathy, Johnson & Fei-Fei 2015) */
import { Fragment } from "preact";
import type { Inspection, LayerActivations } from "unrolled";
import { shade } from "../../parts/heat.ts";
import { selected } from "../../state/runs.ts";
import { hovered, level, looked, SERIES, seriesOf, unitIn } from "./looked.ts";

export function FollowedText({
  seen,
  layer,
  series,
}: {
  seen: Inspection;
  layer: LayerActivations;
  series: string;
}) {
  const rows = seriesOf(layer, series)!;
  const { step } = looked.value;
  const unit = unitIn(rows, hovered.value);
  // Tokens that are words do not say what stands between them.
  const areWords = selected.value?.tokenizer.value?.kind === "word";
  const levels = seen.tokens.map((_, t) => level(rows, rows.values[t * rows.width + unit]));
  return (
    <section class="panel followed" aria-label="The text as the unit sees it">
      <div class="panel-head">
        <h3>
          Unit {unit} over the text <span class="quiet">{SERIES[series].label.toLowerCase()}</span>
        </h3>
        <UnitPicker unit={unitIn(rows)} count={rows.width} />
      </div>
      <p class="followed-text">
        {seen.tokens.map((token, t) => (
          <Fragment key={t}>
            {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: keys do it in the heat map. */}
            <span
              class={t === step ? "is-on" : undefined}
              style={shade(levels[t])}
              onClick={() => {
                looked.value = { ...looked.peek(), step: t };
              }}
            >
              {token.replaceAll("\n", "⏎")}
            </span>
            {token.endsWith("\n") ? <br /> : areWords && " "}
          </Fragment>
        ))}
      </p>
    </section>
  );
}

function UnitPicker({ unit, count }: { unit: number; count: number }) {
  const set = (unit: number): void => {
    looked.value = { ...looked.peek(), unit: (unit + count) % count };
  };
  return (
    <div class="row unit-picker">
      <button type="button" class="button quiet" aria-label="The unit before" onClick={() => set(unit - 1)}>
        ←
      </button>
      <label>
        <span class="visually-hidden">Unit</span>
        <input
          type="number"
          min={0}
          max={count - 1}
          value={unit}
          onInput={(event) => {
            const value = event.currentTarget.valueAsNumber;
            if (Number.isInteger(value) && value >= 0 && value < count) set(value);
          }}
        />
      </label>
      <button type="button" class="button quiet" aria-label="The next unit" onClick={() => set(unit + 1)}>
        →
      </button>
    </div>
  );
}
