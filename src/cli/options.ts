/** Values on the command line: parsed strictly, so that `--hidden 12x` is an error and not 12. */
import { InvalidArgumentError, Option } from "commander";

export function integer(low: number, high = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !(value >= low && value <= high)) {
      throw new InvalidArgumentError(`Expected an integer ${range(low, high)}.`);
    }
    return value;
  };
}

/** Infinity is a number here only if `high` says so. */
export function real(low: number, high = Number.MAX_VALUE): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= low && value <= high)) {
      throw new InvalidArgumentError(`Expected a number ${range(low, high)}.`);
    }
    return value;
  };
}

/** What a shell's variable that is not set leaves is no name. */
export function fileName(text: string): string {
  if (text === "") throw new InvalidArgumentError("Expected a file's name.");
  return text;
}

/** An option that takes one of a few words. */
export function choice(flags: string, text: string, choices: readonly string[], value: string): Option {
  return new Option(flags, text).choices(choices).default(value);
}

export function numericsOption(): Option {
  const text = "fast, or reproducible (the same bits in every runtime)";
  return choice("--numerics <mode>", text, ["fast", "reproducible"], "fast");
}

/** Any number of threads gives the same bits. */
export function threadsOption(): Option {
  const text = "threads that compute (default: one a core, 8 at most)";
  return new Option("--threads <number>", text).argParser(integer(1, 64));
}

export function wideOption(): Option {
  const text = "256-bit kernels, up to twice as fast, by an experimental flag of V8's (Node 24 and newer)";
  return new Option("--wide", text);
}

function range(low: number, high: number): string {
  return high === Number.MAX_SAFE_INTEGER || high === Number.MAX_VALUE
    ? `from ${low}`
    : `from ${low} to ${high}`;
}
