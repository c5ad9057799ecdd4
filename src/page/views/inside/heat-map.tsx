/** Units by tokens, as colours. Arrow keys move from cell to cell. */
import { useEffect, useRef } from "preact/hooks";
import type { Inspection, LayerActivations } from "unrolled";
import { visible } from "../../parts/format.ts";
import { divergingRGB } from "../../parts/heat.ts";
import { theme } from "../../state/theme.ts";
import { hovered, level, looked, type Rows, SERIES, seriesOf, unitIn } from "./looked.ts";

/** Of the next columns, so that one sees where it goes on. */
const MARGIN = 24;

export function HeatMap({
  seen,
  layer,
  series,
}: {
  seen: Inspection;
  layer: LayerActivations;
  series: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroll = useRef<HTMLDivElement>(null);
  const rows = seriesOf(layer, series)!;
  const { step } = looked.value;
  const unit = unitIn(rows);
  const steps = seen.tokens.length;
  const isDark = theme.value;
  useEffect(() => {
    if (canvas.current) draw(canvas.current, rows, steps);
  }, [seen, layer, series, isDark]);
  useEffect(() => {
    // Not scrollIntoView, which would move the page as well.
    const { clientWidth, scrollLeft, scrollWidth } = scroll.current!;
    const left = (step / steps) * scrollWidth;
    const right = ((step + 1) / steps) * scrollWidth;
    if (left < scrollLeft) scroll.current!.scrollLeft = left - MARGIN;
    else if (right > scrollLeft + clientWidth) scroll.current!.scrollLeft = right - clientWidth + MARGIN;
  }, [step, steps]);
  const move = (t: number, u: number): void => {
    looked.value = {
      ...looked.peek(),
      step: Math.max(0, Math.min(steps - 1, t)),
      unit: Math.max(0, Math.min(rows.width - 1, u)),
    };
  };
  const placeOf = (event: MouseEvent): [number, number] => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const t = Math.floor(((event.clientX - box.left) / box.width) * steps);
    const u = Math.floor(((event.clientY - box.top) / box.height) * rows.width);
    return [t, Math.max(0, Math.min(rows.width - 1, u))];
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const by = moves[event.key];
    if (!by) return;
    event.preventDefault();
    // A pointer that rests over the map would go on saying which unit is shown.
    hovered.value = undefined;
    // Keys may come faster than the view is drawn.
    const now = looked.peek();
    move(now.step + by[0], unitIn(rows, now.unit) + by[1]);
  };
  const value = rows.values[step * rows.width + unit];
  // Tokens of several characters are written sideways, which needs the height of a line.
  const isSideways = seen.tokens.some((token) => [...token].length > 1);
  const height = Math.max(220, Math.min(460, 4 * rows.width));
  return (
    <figure class="panel heat">
      <figcaption>
        <h3>
          {SERIES[series].label}, {rows.width} units × {steps} tokens
        </h3>
        <p class="heat-now">
          unit {unit}, <b>{visible(seen.tokens[step])}</b>: {value.toFixed(3)}
        </p>
      </figcaption>
      <div class="heat-scroll" ref={scroll}>
        <div class="heat-box" style={{ minWidth: `${(isSideways ? 16 : 11) * steps}px` }}>
          <div
            class="heat-field"
            role="slider"
            tabIndex={0}
            aria-label={`${SERIES[series].label} of units by tokens; arrow keys move`}
            aria-valuemin={0}
            aria-valuemax={steps - 1}
            aria-valuenow={step}
            aria-valuetext={`unit ${unit}, token ${step + 1}, ${visible(seen.tokens[step])}: ${value.toFixed(2)}`}
            style={{ height: `${height}px` }}
            onMouseMove={(event) => {
              const [t, u] = placeOf(event);
              if (event.buttons > 0) move(t, u);
              hovered.value = u;
            }}
            onMouseLeave={() => {
              hovered.value = undefined;
            }}
            onMouseDown={(event) => move(...placeOf(event))}
            onKeyDown={onKeyDown}
          >
            <canvas ref={canvas} width={steps} height={rows.width} />
            <span
              class="heat-column"
              style={{ left: `${(100 * step) / steps}%`, width: `${100 / steps}%` }}
            />
            {hovered.value !== undefined && hovered.value !== unit && (
              <span
                class="heat-row is-hovered"
                style={{ top: `${(100 * hovered.value) / rows.width}%`, height: `${100 / rows.width}%` }}
              />
            )}
            <span
              class="heat-row"
              style={{ top: `${(100 * unit) / rows.width}%`, height: `${100 / rows.width}%` }}
            />
          </div>
          <div class={isSideways ? "heat-tokens is-sideways" : "heat-tokens"} aria-hidden="true">
            {seen.tokens.map((token, t) => (
              <span key={t} class={t === step ? "is-on" : undefined} title={visible(token)}>
                {visible(token)}
              </span>
            ))}
          </div>
        </div>
      </div>
      <Scale isGate={rows.isGate} most={rows.most} />
    </figure>
  );
}

/** A pixel a number: the browser enlarges it. */
function draw(canvas: HTMLCanvasElement, rows: Rows, steps: number): void {
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(steps, rows.width);
  for (let t = 0; t < steps; t++) {
    for (let u = 0; u < rows.width; u++) {
      const [r, g, b] = divergingRGB(level(rows, rows.values[t * rows.width + u]));
      image.data.set([r, g, b, 255], 4 * (u * steps + t));
    }
  }
  context.putImageData(image, 0, 0);
}

function Scale({ isGate, most }: { isGate: boolean; most: number }) {
  const [low, middle, high] = isGate
    ? ["0 shut", "½", "1 open"]
    : [(-most).toFixed(1).replace("-", "−"), "0", most.toFixed(1)];
  return (
    <div class="scale" aria-hidden="true">
      <span>{low}</span>
      <span class="scale-bar" />
      <span>{high}</span>
      <span class="visually-hidden">{middle}</span>
      <span class="scale-hint">
        Point at a unit to see it in the text; click, or use the arrow keys, to stay
      </span>
    </div>
  );
}
