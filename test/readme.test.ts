import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ranks from "js-tiktoken/ranks/cl100k_base";
import { expect, test } from "vitest";
import { tiktokenFile } from "./helpers/tiktoken-ranks.ts";

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
