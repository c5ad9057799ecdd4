import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const readme = await readFile("README.md", "utf8");

test("the README's library example runs as printed, and its model has learned the text", async () => {
  const [, example] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(example).toContain('from "unrolled"');
  const library = pathToFileURL("build/index.js").href;
  const directory = await mkdtemp(join(tmpdir(), "unrolled-readme-"));
  try {
    const path = join(directory, "example.mjs");
    await writeFile(path, example.replace('"unrolled"', JSON.stringify(library)));
    const { stdout } = await promisify(execFile)(process.execPath, [path]);
    const loss = Number(/loss ([\d.]+) nats/.exec(stdout)?.[1]);
    expect(loss).toBeLessThan(0.5);
    expect(stdout).toMatch(/(sea|ship|whale)[\s\S]*(sea|ship|whale)/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("every file and folder that the README links to exists", async () => {
  const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map(([, path]) => path);
  expect(links.length).toBeGreaterThan(5);
  const { stat } = await import("node:fs/promises");
  for (const link of links) await expect(stat(link), link).resolves.toBeDefined();
});
