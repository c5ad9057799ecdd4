/** Colours of numbers, the same in all views: below 0 warm, above 0 cool, 0 like the paper. */
import { theme } from "../state/theme.ts";

type RGB = readonly [number, number, number];

const SCALES: Record<"light" | "dark", { zero: RGB; below: RGB; above: RGB }> = {
  light: { zero: [244, 241, 235], below: [205, 84, 38], above: [40, 78, 178] },
  dark: { zero: [32, 34, 39], below: [240, 132, 82], above: [116, 150, 255] },
};

function mix(a: RGB, b: RGB, share: number): RGB {
  return [0, 1, 2].map((i) => Math.round(a[i] + (b[i] - a[i]) * share)) as unknown as RGB;
}

/** Of a number from −1 to 1. */
export function divergingRGB(value: number): RGB {
  const { zero, below, above } = SCALES[theme.value];
  if (!(value <= 1 && value >= -1)) return value > 0 ? above : Number.isNaN(value) ? zero : below;
  return mix(zero, value < 0 ? below : above, Math.abs(value));
}

export function diverging(value: number): string {
  return `rgb(${divergingRGB(value).join(" ")})`;
}
