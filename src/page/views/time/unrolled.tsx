/** One network unrolled: a circle a step, filled as far as the gradient is still there. */
import type { CellGradients } from "../../lab/gradients.ts";
import { CELL_NAMES, factor, shares } from "./cells.ts";

/** More circles would be too small to see: then every second, third … step is shown. */
const WIDE = { most: 40, width: 800 };
const NARROW = { most: 18, width: 400 };
const HEIGHT = 84;
const narrow = matchMedia("(max-width: 860px)");

/** Of so many steps one is shown. */
function stride(steps: number): number {
  return Math.ceil((steps + 1) / (narrow.matches ? NARROW : WIDE).most);
}

export function CirclesNote({ steps }: { steps: number }) {
  const every = stride(steps);
  return (
    <p class="field-note">
      A circle is a step{every > 1 && `, one in ${every} is drawn`}. The paler, the less of the gradient is
      left; larger than its ring, it is more than at the loss.
    </p>
  );
}

export function Unrolled({ cell }: { cell: CellGradients }) {
  const left = shares(cell);
  const steps = left.length - 1;
  const { width } = narrow.matches ? NARROW : WIDE;
  const every = stride(steps);
  const shown = left.flatMap((value, distance) => (distance % every === 0 ? [{ value, distance }] : []));
  const gap = (width - 60) / Math.max(1, shown.length - 1);
  const radius = Math.min(11, gap * 0.36);
  const last = left[steps];
  const fate = !Number.isFinite(last) || last > 10 ? "explodes" : last < 0.01 ? "vanishes" : "arrives";
  return (
    <figure class={`panel unrolled cell-${cell.cell} is-${fate}`}>
      <figcaption>
        <h3>{CELL_NAMES[cell.cell]}</h3>
        <p>
          it <b>{fate}</b>: {factor(cell)}
        </p>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={`${CELL_NAMES[cell.cell]} unrolled over ${steps} steps`}
      >
        <path class="thread" d={`M30 60H${width - 30}`} />
        {shown.map(({ value, distance }, i) => {
          const x = width - 30 - i * gap;
          const { opacity, size } = look(value);
          return (
            <g key={distance} transform={`translate(${x} 60)`}>
              <circle class="state" r={radius} />
              <circle
                class={value > 1 ? "gradient is-large" : "gradient"}
                r={radius * size}
                style={{ opacity: String(opacity), transitionDelay: `${i * 9}ms` }}
              />
            </g>
          );
        })}
        <text class="loss" x={width - 30} y="22" text-anchor="middle">
          loss
        </text>
        <path class="loss-arrow" d={`M${width - 30} 28v14m-4-5 4 6 4-6`} />
        <text class="far" x="30" y="22" text-anchor="middle">
          h₀
        </text>
        <path class="back running" d={`M${width - 62} 18H68`} />
        <path class="back" d="M76 13 67 18 76 23" />
      </svg>
    </figure>
  );
}

/** Six powers of ten from full to gone; above 1 the circle swells instead. */
function look(value: number): { opacity: number; size: number } {
  if (!Number.isFinite(value)) return { opacity: 1, size: 2 };
  if (value <= 0) return { opacity: 0, size: 1 };
  const power = Math.log10(value);
  if (power <= 0) return { opacity: Math.max(0, 1 + power / 6), size: 1 };
  return { opacity: 1, size: Math.min(2, 1 + power / 8) };
}
