/**
 * `npm run bench:wide`: what V8's re-vectorizer joined in each function of the wide build, what kept it from joining the
 * others, and how many times as fast each kernel is as in the relaxed build. Each build has a process of its own.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { enableRevectorizer } from "../../src/engine/wide.ts";
import { circumstances } from "../circumstances.ts";
import { markdownTable } from "../report.ts";
import { readFunctions, readTrace } from "./trace.ts";

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));
const WAT = new URL("../kernels-wide.wat", import.meta.url);
/** A trace is some hundred kilobytes. */
const MOST_OUTPUT = 1 << 28;

function runChild(build: "relaxed" | "wide", ...flags: string[]): string {
  const options = { encoding: "utf8", maxBuffer: MOST_OUTPUT } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, CHILD, build], options);
  if (status !== 0) throw new Error(stderr.split("\n").find((line) => /Error/.test(line)) ?? stderr);
  return stdout;
}

/** Milliseconds by kernel: the last line of what the child writes. */
function timesOf(build: "relaxed" | "wide"): Record<string, number> {
  return JSON.parse(runChild(build).trim().split("\n").at(-1)!);
}

function joinedTable(): string[][] {
  const names = readFunctions(readFileSync(WAT, "utf8"));
  // With one thread that compiles, so that no other writes between its lines.
  const trace = runChild("wide", "--trace-wasm-revectorize", "--wasm-num-compilation-tasks=1");
  const rows = [...readTrace(trace)].map(([number, joined]) => {
    const { saved, reasons } = joined;
    const stopped = saved > 0 ? "" : [...reasons].join(", ");
    return { name: names[number], saved, stopped };
  });
  rows.sort((a, b) => b.saved - a.saved || a.name.localeCompare(b.name));
  return rows.map(({ name, saved, stopped }) => [name, stopped, saved > 0 ? String(saved) : "–"]);
}

function gainTable(): string[][] {
  const [relaxed, wide] = [timesOf("relaxed"), timesOf("wide")];
  return Object.keys(wide).map((name) => [
    name,
    ...[relaxed[name], wide[name]].map((time) => (1000 * time).toPrecision(3)),
    `${(relaxed[name] / wide[name]).toFixed(2)}×`,
  ]);
}

try {
  const reason = enableRevectorizer();
  if (reason) throw new Error(`there is no wide build here: ${reason}`);
  const { machine, date } = circumstances("");
  const joined = [["function", "why not", "operations saved by joining"], ...joinedTable()];
  const gains = [["kernel", "relaxed, µs", "wide, µs", "gain"], ...gainTable()];
  console.log(`${markdownTable(joined, 2)}\n\n${markdownTable(gains, 1)}`);
  console.log(`\n${machine}; Node ${process.versions.node} (V8 ${process.versions.v8}); ${date}`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
