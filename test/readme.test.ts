import "fake-indexeddb/auto";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ranks from "js-tiktoken/ranks/cl100k_base";
import { expect, test } from "vitest";
import { createTrainer, listStoredRuns, type TrainerSource, type WorkerTrainer } from "../src/index.ts";
import { tiktokenFile } from "./helpers/tiktoken-ranks.ts";
import { localWorker } from "./trainer/worker.ts";

const readme = await readFile("README.md", "utf8");
const libraryPage = await readFile("docs/library.md", "utf8");

/** Runs the blocks of JavaScript as one program, in a folder with these files. @returns what it prints */
async function run(markdown: string, files: Record<string, string> = {}): Promise<string> {
  const program = [...markdown.matchAll(/^```js\n([\s\S]*?)^```/gm)]
    .map(([, block]) => block)
    .join("")
    .replaceAll('from "unrolled"', `from "${pathToFileURL("build/index.js")}"`)
    .replaceAll('from "unrolled/plot"', `from "${pathToFileURL("build/plot.js")}"`);
  const directory = await mkdtemp(join(tmpdir(), "unrolled-readme-"));
  try {
    for (const [name, text] of Object.entries({ ...files, "program.mjs": program })) {
      await writeFile(join(directory, name), text);
    }
    const options = { cwd: directory };
    return (await promisify(execFile)(process.execPath, ["program.mjs"], options)).stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}

test("the README's library example and loop run as printed, and the model learns the text", async () => {
  const [section] = /^## The library[\s\S]*?^## /m.exec(readme) ?? [];
  const stdout = await run(section!);
  expect(stdout).toMatch(/(sea|ship|whale)[\s\S]*(sea|ship|whale)/);
  const losses = [...stdout.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss));
  // That of the held-out text, and those of the steps by hand.
  expect(losses.length).toBeGreaterThan(10);
  for (const loss of losses) expect(loss).toBeLessThan(0.5);
});

test("the library's page runs as printed, and prints what it says", async () => {
  const expected = [...libraryPage.matchAll(/\/\/ → (.*)/g)].map(([, line]) => line);
  const stdout = await run(libraryPage, { "cl100k_base.tiktoken": tiktokenFile(ranks) });
  expect(stdout.trimEnd().split("\n")).toEqual(expected);
});

test("the README's example of a trainer runs as printed, and goes on with its run when it runs again", async () => {
  const [, example] = /```js\n(import \{ createTrainer[\s\S]*?)```/.exec(readme) ?? [];
  const body = example.replace(/^import .*\n/, "").replace("steps: 2000", "steps: 4");
  const drawn: number[] = [];
  let shown = "";
  const around = {
    createTrainer: (source: TrainerSource) => createTrainer(source, { worker: localWorker() }),
    listStoredRuns,
    fetch: async () => new Response("To be, or not to be, that is the question. ".repeat(100)),
    signal: undefined,
    draw: (step: number) => drawn.push(step),
    show: (text: string) => {
      shown += text;
    },
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const program = new AsyncFunction(...Object.keys(around), `${body}\nreturn trainer;`);
  const first: WorkerTrainer = await program(...Object.values(around));
  first.close();
  expect(drawn).toEqual([1, 2, 3, 4]);
  // A sample, and what it generates at the end.
  expect(shown.length).toBe(200 + 100);
  const second: WorkerTrainer = await program(...Object.values(around));
  second.close();
  expect(second.info).toMatchObject({ step: 4, state: "finished", options: { checkpoint: "my run" } });
  expect(drawn).toEqual([1, 2, 3, 4]);
});

test.each(["README.md", "docs/library.md"])(
  "every file and heading that %s links to exists",
  async (page) => {
    const markdown = await readFile(page, "utf8");
    const links = [...markdown.matchAll(/\]\((?!http)([^)]+)\)/g)].map(([, link]) => link.split("#"));
    expect(links.length).toBeGreaterThan(5);
    for (const [path, heading] of links) {
      const file = path === "" ? page : join(dirname(page), path);
      await expect(stat(file), path).resolves.toBeDefined();
      if (!heading) continue;
      const headings = (await readFile(file, "utf8")).match(/^#+ .*/gm) ?? [];
      const anchors = headings.map((line) =>
        line
          .replace(/^#+ /, "")
          .toLowerCase()
          .replace(/[^\w -]/g, "")
          .replaceAll(" ", "-"),
      );
      expect(anchors, `${path}#${heading}`).toContain(heading);
    }
  },
);
