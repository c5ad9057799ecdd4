/** What the scripts of package.json say to those who ask for help, or for what there is not. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { timeout: 100_000 });

describe.each([
  ["page", "src/page/serve.mjs"],
  ["bench:page", "bench/page/run.mjs", "serve"],
])("npm run %s", (name, ...script) => {
  it("has a help", async () => {
    const { stdout, stderr } = await run(...script, "--help");
    expect(stdout.startsWith(`Usage: npm run ${name} -- [options]\n`)).toBe(true);
    expect(stderr).toBe("");
  });

  it.each([["--sing"], ["--port", "abc"]])("refuses %s %s", async (...args) => {
    await expect(run(...script, ...args)).rejects.toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^[^\n]*--(sing|port)[^\n]+\n\nUsage: /),
    });
  });
});

it.skipIf(Number.parseInt(process.versions.v8, 10) >= 13)(
  "npm run bench:wide says what it needs",
  async () => {
    await expect(run("bench/wide/run.mjs")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^there is no wide build here: [^\n]+\n$/),
    });
  },
);
