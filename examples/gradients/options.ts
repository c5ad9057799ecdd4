import { parseArgs } from "node:util";

export interface Options {
  seed: number;
  /** Steps of training of each cell. */
  steps: number;
  /** Where the plots go. */
  out: string;
  json: boolean;
}

export const USAGE = `Usage: npm run example:gradients -- [options]

  --seed N       of weights and data; default 1
  --steps N      steps of training of each cell; default 800
  --out FOLDER   where gradients-*.svg and gradients.json go; default build/gradients
  --json         print JSON instead of plots and tables (with npm run --silent)
  --help         this text`;

/** @throws Error on an unknown option, or a value out of range. */
export function parseOptions(args: string[]): Options | "help" {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string", default: "1" },
      steps: { type: "string", default: "800" },
      out: { type: "string", default: "build/gradients" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  return {
    seed: integer("--seed", values.seed, 0, Number.MAX_SAFE_INTEGER),
    steps: integer("--steps", values.steps, 1, 1_000_000),
    out: values.out,
    json: values.json,
  };
}

function integer(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    throw new Error(`${option} must be an integer from ${low} to ${high}, got ${JSON.stringify(text)}`);
  }
  return value;
}
