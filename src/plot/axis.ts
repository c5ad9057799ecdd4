import { scaleLinear, scaleLog } from "d3-scale";
import { ConfigError } from "../errors.ts";

export interface AxisOptions {
  label: string;
  /** A logarithmic scale: every value must be above 0. */
  log?: boolean;
  /** Where the ticks go. Default: round numbers. */
  ticks?: readonly number[];
}

export interface Axis {
  /** From a value to a pixel. */
  scale: (value: number) => number;
  ticks: { at: number; text: string }[];
}

/** The most labels along a logarithmic axis. */
const MOST_LOG_TICKS = 9;

/**
 * An axis for `values` over `range` pixels, with about `count` ticks unless the options say which.
 * @throws ConfigError if the values are further apart than a number can say.
 */
export function createAxis(
  options: AxisOptions,
  values: number[],
  range: [number, number],
  count: number,
): Axis {
  const all = [...values, ...(options.ticks ?? [])];
  const [low, high] = all.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [all[0], all[0]],
  );
  const scale = options.log ? logScale(low, high, range) : linearScale(low, high, range, count);
  const [from, to] = scale.domain();
  if (!Number.isFinite(to - from))
    throw new ConfigError(`${options.label}: ${low} to ${high} is too far for an axis`);
  const ticks = options.ticks ?? (options.log ? logTicks(scale.ticks(MOST_LOG_TICKS)) : scale.ticks(count));
  const texts = formatNumbers(ticks);
  return { scale, ticks: ticks.map((value, i) => ({ at: scale(value), text: texts[i] })) };
}

/** To round numbers at both ends. */
function linearScale(low: number, high: number, range: [number, number], count: number) {
  const half = low === high ? Math.abs(low) / 2 || 1 : 0;
  return scaleLinear([low - half, high + half], range).nice(count);
}

/** A little air, rather than whole powers of ten, which could leave most of the chart empty. */
function logScale(low: number, high: number, range: [number, number]) {
  // Of two numbers whose ratio may be none.
  const air = low === high ? 2 : high ** 0.04 / low ** 0.04;
  return scaleLog([Math.max(low / air, Number.MIN_VALUE), Math.min(high * air, Number.MAX_VALUE)], range);
}

/** Powers of ten; where they are few, their halves and fifths too, or all. */
function logTicks(candidates: number[]): number[] {
  const leading = (value: number): number => Number(value.toExponential(6).split("e")[0]);
  for (const digits of [[1], [1, 2, 5]]) {
    const chosen = candidates.filter((value) => digits.includes(leading(value)));
    if (chosen.length >= 3) return chosen;
  }
  return candidates;
}

const SUPERSCRIPTS: Record<string, string> = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) };

/** As {@link formatNumber}, with as many digits more as tell them apart. */
function formatNumbers(values: readonly number[]): string[] {
  const distinct = new Set(values).size;
  for (let digits = 4; ; digits++) {
    const texts = values.map((value) => formatNumber(value, digits));
    if (digits === MOST_DIGITS || new Set(texts).size === distinct) return texts;
  }
}

/** Of a double: with 15, no two that are written differently look alike. */
const MOST_DIGITS = 15;

/** At most so many digits, one more from 1,000 on; with a power of ten outside 0.001 to 99,999. */
export function formatNumber(value: number, digits = 4): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 0.000_999_5 && size < 99_999.5)) {
    return value.toLocaleString("en-US", { maximumSignificantDigits: size >= 1000 ? digits + 1 : digits });
  }
  const [shown, power] = value.toExponential(digits - 1).split("e");
  const raised = [...power.replace("+", "")].map((character) => SUPERSCRIPTS[character]).join("");
  const mantissa = String(Number(shown));
  return mantissa === "1" ? `10${raised}` : `${mantissa}·10${raised}`;
}
