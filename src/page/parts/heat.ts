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

const INKS: Record<"light" | "dark", RGB> = { light: [30, 28, 25], dark: [236, 233, 227] };
const BLACK: RGB = [0, 0, 0];
const WHITE: RGB = [255, 255, 255];
/** What WCAG 2 asks of text: on any colour black or white has more. */
const LEAST_CONTRAST = 4.5;

/** WCAG's relative luminance. */
function luminance(colour: RGB): number {
  const [r, g, b] = colour.map((value) =>
    value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: RGB, b: RGB): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** The style of text on a number's colour: in the theme's ink, as far as that can be read. */
export function shade(value: number): { background: string; color: string } {
  const background = divergingRGB(value);
  const ink = [INKS[theme.value], BLACK, WHITE].find((one) => contrast(one, background) >= LEAST_CONTRAST)!;
  return { background: `rgb(${background.join(" ")})`, color: `rgb(${ink.join(" ")})` };
}
