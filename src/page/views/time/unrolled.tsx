/** One network unrolled: a circle a step, filled as far as the gradient is still there. */
import type { CellGradients } from "../../lab/gradients.ts";
import { short } from "../../parts/chart.tsx";
import { CELL_NAMES, shares } from "./cells.ts";

/** More would be too small to see: then every second, third … step is shown. */
const MOST = 40;
const WIDTH = 800;
const HEIGHT = 92;

export function Unrolled({ cell }: { cell: CellGradients }) {
  const left = shares(cell);
  const steps = left.length - 1;
  const every = Math.ceil(left.length / MOST);
  const shown = left.flatMap((value, distance) => (distance % every === 0 ? [{ value, distance }] : []));
  const gap = (WIDTH - 60) / Math.max(1, shown.length - 1);
  const radius = Math.min(11, gap * 0.36);
  const last = left[steps];
  const fate = !Number.isFinite(last) || last > 1e3 ? "explodes" : last < 1e-3 ? "vanishes" : "arrives";
  return (
    <figure class={`panel unrolled cell-${cell.cell} is-${fate}`}>
      <figcaption>
        <h3>{CELL_NAMES[cell.cell]}</h3>
        <p>
          the gradient <b>{fate}</b>: {Number.isFinite(last) ? short(last) : "too much for a float"} of it
          after {steps} steps
        </p>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${CELL_NAMES[cell.cell]} unrolled over ${steps} steps`}
      >
        <path class="thread" d={`M30 60H${WIDTH - 30}`} />
        {shown.map(({ value, distance }, i) => {
          const x = WIDTH - 30 - i * gap;
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
        <text class="loss" x={WIDTH - 30} y="22" text-anchor="middle">
          loss
        </text>
        <path class="loss-arrow" d={`M${WIDTH - 30} 28v14m-4-5 4 6 4-6`} />
        <text class="far" x="30" y="22" text-anchor="middle">
          h₀
        </text>
        <path class="back" d={`M${WIDTH - 62} 18H66m9-4-9 4 9 4`} />
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
