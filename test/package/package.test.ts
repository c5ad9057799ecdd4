import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch } from "../browser/browsers.ts";
import { serve } from "../browser/serve.ts";
import { WEIGHTS } from "../helpers/reproducible-run.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const exec = promisify(execFile);

/** A tool of test/package, run in a folder. @returns what it prints. */
async function run(tool: string, args: string[], cwd: string): Promise<string> {
  try {
    return (await exec(here(`node_modules/.bin/${tool}`), args, { cwd, shell: process.platform === "win32" }))
      .stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${tool} ${args.join(" ")}:\n${stdout}${stderr}`);
  }
}

let folder: string;
let tarball: string;
let project: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "unrolled-package-"));
  await exec("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: here("../..") });
  tarball = join(folder, readdirSync(folder)[0]);
  project = join(folder, "project");
  cpSync(here("project"), project, { recursive: true });
  await exec("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball], { cwd: project });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the project's program gives. */
const expected = (fastBuild: string) => ({
  weights: WEIGHTS,
  isSameText: true,
  isSameError: true,
  errorName: "FormatError",
  fastBuild,
});

/** The same from a page in a folder; the browser's console must stay empty. */
async function runInPage(path: string): Promise<unknown> {
  const server = await serve(path);
  const browser = await launch("chromium");
  if ("missing" in browser) throw new Error(browser.missing);
  try {
    const page = await browser.open(server.url);
    return await page.evaluate(() => (globalThis as unknown as { result: Promise<unknown> }).result);
  } finally {
    await browser.close();
    await server.close();
  }
}

describe("the package", () => {
  test("publint finds nothing to say", async () => {
    expect(await run("publint", ["run", tarball, "--strict"], folder)).toContain("All good!");
  });

  test("its types resolve wherever ESM does", async () => {
    await run("attw", [tarball, "--profile", "esm-only"], folder);
  });

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])(
    "its types compile, strictly, with the README's example: module %s",
    async (module, moduleResolution) => {
      const readme = readFileSync(here("../../README.md"), "utf8");
      const [, example] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
      writeFileSync(join(project, "readme.ts"), example.replace("process.stdout.write", "console.log"));
      const strict = { strict: true, exactOptionalPropertyTypes: true };
      const options = { module, moduleResolution, ...strict, noEmit: true, target: "es2022", types: [] };
      const config = {
        compilerOptions: { ...options, lib: ["es2022", "dom"] },
        files: ["types.ts", "readme.ts"],
      };
      writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
      const tsc = here("../../node_modules/typescript/bin/tsc");
      const { stdout } = await exec(process.execPath, [tsc, "-p", project]).catch((error) => error);
      expect(stdout).toBe("");
    },
  );

  test("its sizes are below their limits", async () => {
    console.log(await run("size-limit", [], here(".")));
  });

  test("runs in Node", async () => {
    const { stdout } = await exec(process.execPath, ["node.js"], { cwd: project });
    const [major] = process.versions.node.split(".");
    expect(JSON.parse(stdout)).toEqual(expected(Number(major) < 22 ? "simd" : "relaxed"));
  });
});

describe("unrolled.min.js, alone on a static host", () => {
  test("trains in a worker, whose program it is too", async () => {
    const host = join(folder, "host");
    mkdirSync(host);
    cpSync(here("../../build/unrolled.min.js"), join(host, "unrolled.min.js"));
    writeFileSync(join(host, "index.html"), '<!doctype html><script type="module" src="./page.js"></script>');
    writeFileSync(
      join(host, "page.js"),
      `import { ConfigError, createTrainer } from "./unrolled.min.js";
       async function train() {
         const text = "the sea, the ship, the whale. ".repeat(200);
         const trainer = await createTrainer({ text, training: { steps: 12 }, model: { hiddenSize: 8 } });
         let steps = 0;
         for await (const report of trainer.run()) if (report.kind === "step") steps++;
         const error = await createTrainer({ text: "ab" }).catch((error) => error);
         return { steps, state: trainer.state, error: error.name, isTyped: error instanceof ConfigError };
       }
       globalThis.result = train();`,
    );
    expect(await runInPage(host)).toEqual({
      steps: 12,
      state: "finished",
      error: "ConfigError",
      isTyped: true,
    });
  });
});

describe("a bundle of esbuild", () => {
  const bundle = (entry: string, out: string, ...options: string[]) =>
    run("esbuild", [entry, "--bundle", "--minify", "--format=esm", `--outfile=${out}`, ...options], project);

  test("runs in a page, without files", async () => {
    await bundle("page.js", "esbuild/page.js");
    cpSync(join(project, "index.html"), join(project, "esbuild/index.html"));
    expect(await runInPage(join(project, "esbuild"))).toEqual(expected("simd"));
  });

  test("runs in a page of the oldest form, a script", async () => {
    await bundle("page.js", "iife/page.js", "--format=iife", "--log-level=error");
    cpSync(join(project, "index.html"), join(project, "iife/index.html"));
    expect(await runInPage(join(project, "iife"))).toEqual(expected("simd"));
  });

  test("runs in Node", async () => {
    await bundle("node.js", "esbuild/node.mjs", "--platform=node");
    const { stdout } = await exec(process.execPath, ["esbuild/node.mjs"], { cwd: project });
    expect(JSON.parse(stdout)).toEqual(expected("simd"));
  });
});

describe("a project of Vite", () => {
  test("is built with the relaxed kernels beside, and runs", async () => {
    const output = await run("vite", ["build", "--base", "./"], project);
    expect(output).not.toMatch(/warn|externalized/i);
    expect(readdirSync(join(project, "dist/assets")).filter((name) => name.endsWith(".wasm"))).toEqual([
      expect.stringMatching(/^kernels-relaxed-.*\.wasm$/),
    ]);
    expect(await runInPage(join(project, "dist"))).toEqual(expected("relaxed"));
  });
});
