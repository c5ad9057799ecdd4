/** Values on the command line: parsed strictly, so that `--hidden 12x` is an error and not 12. */
import { InvalidArgumentError } from "commander";

export function integer(low: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < low) {
      throw new InvalidArgumentError(`Expected an integer from ${low}.`);
    }
    return value;
  };
}

export function real(low: number, high = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= low && value <= high)) {
      const range = high === Number.POSITIVE_INFINITY ? `from ${low}` : `from ${low} to ${high}`;
      throw new InvalidArgumentError(`Expected a number ${range}.`);
    }
    return value;
  };
}
