/** Runs the built command in a directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const CLI = fileURLToPath(new URL("../../build/cli.js", import.meta.url));

/** Options of a model that trains in a moment. */
export const SMALL = [
  "--hidden-size",
  "16",
  "--embedding-size",
  "8",
  "-b",
  "4",
  "-T",
  "16",
  "--dropout",
  "0.1",
];

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A temporary directory with `text.txt`, 12 000 characters of a few words. Remove it with `remove`. */
export function workDirectory(): { directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), "unrolled-cli-"));
  writeFileSync(join(directory, "text.txt"), words(12_000));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

export function start(directory: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  // Colours are as in a terminal of nobody's wishes, unless a test has some.
  const plain = { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined };
  return spawn(process.execPath, [CLI, ...args], { cwd: directory, env: { ...plain, ...env } });
}

export async function finished(child: ChildProcess): Promise<Result> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

export function run(directory: string, ...args: string[]): Promise<Result> {
  return finished(start(directory, args));
}

/** Runs with the pieces as standard input, one after the other. */
export async function runWithInput(
  directory: string,
  args: readonly string[],
  ...pieces: readonly (string | Uint8Array)[]
): Promise<Result> {
  const child = start(directory, args);
  const result = finished(child);
  for (const piece of pieces) {
    child.stdin!.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.stdin!.end();
  return result;
}

function words(length: number): string {
  const list = "call me ishmael some years ago never mind how long the whale and the sea".split(" ");
  let text = "";
  for (let seed = 1; text.length < length; ) {
    seed = (seed * 16807) % 2147483647;
    text += list[seed % list.length] + (seed % 11 === 0 ? ".\n" : " ");
  }
  return text.slice(0, length);
}
