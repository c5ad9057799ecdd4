import { parseArgs } from "node:util";

export interface Options {
  json: boolean;
  /** See `matches` in filter.mjs. */
  filter: string;
  wide: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]

  --json         one JSON object a line instead of Markdown (with npm run --silent)
  --filter NAME  only the benchmarks whose name contains NAME, or one of several: W5, or W1,W2,peak
  --wide         the wide build, alone: its V8 flag would change the others (Node 24 and newer)
  --help         this text`;

/** @throws Error on an unknown option, or an option without its value. */
export function parseOptions(args: string[]): Options | "help" {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: "boolean", default: false },
      filter: { type: "string", default: "" },
      wide: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { help, ...options } = values;
  return help ? "help" : options;
}
