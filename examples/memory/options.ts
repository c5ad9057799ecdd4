import { parseArgs } from "node:util";
import { PROFILES, type TaskName } from "./tasks.ts";

export interface Options {
  tasks: TaskName[];
  /** Undefined: each task's own. */
  lengths?: readonly number[];
  steps?: number;
  seed: number;
  /** Where the plots go. */
  out: string;
  json: boolean;
}

const NAMES = Object.keys(PROFILES) as TaskName[];

export const USAGE = `Usage: npm run example:memory -- [options]

  --task NAME    one of ${NAMES.join(", ")}; default: all
  --lengths LIST the lengths T, as in 10,100; default: ${NAMES.map((name) => `${name} ${PROFILES[name].lengths}`).join("; ")}
  --steps N      steps of training; default: ${NAMES.map((name) => `${name} ${PROFILES[name].steps}`).join(", ")}
  --seed N       of weights and data; default 1
  --out FOLDER   where memory-TASK.svg and memory.json go; default build/memory
  --json         print JSON instead of tables (with npm run --silent)
  --help         this text`;

/** @throws Error on an unknown option, or a value out of range. */
export function parseOptions(args: string[]): Options | "help" {
  const { values } = parseArgs({
    args,
    options: {
      task: { type: "string" },
      lengths: { type: "string" },
      steps: { type: "string" },
      seed: { type: "string", default: "1" },
      out: { type: "string", default: "build/memory" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const { task, lengths, steps, seed, out, json } = values;
  const known = NAMES.find((name) => name === task);
  if (task !== undefined && !known) throw new Error(`--task must be one of ${NAMES.join(", ")}, got ${task}`);
  return {
    tasks: known ? [known] : NAMES,
    lengths:
      lengths === undefined
        ? undefined
        : sorted(lengths.split(",").map((text) => integer("--lengths", text, 10, 100_000))),
    steps: steps === undefined ? undefined : integer("--steps", steps, 1, 1_000_000),
    seed: integer("--seed", seed, 0, Number.MAX_SAFE_INTEGER),
    out,
    json,
  };
}

/** From low to high, each once. */
function sorted(numbers: number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function integer(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    throw new Error(`${option} must be an integer from ${low} to ${high}, got ${JSON.stringify(text)}`);
  }
  return value;
}
