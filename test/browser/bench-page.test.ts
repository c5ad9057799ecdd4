import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPage } from "../../bench/page/build.mjs";
import type { BenchmarkState } from "../../bench/page/page.ts";
import { type Browser, launch } from "./browsers.ts";
import { type Server, serve } from "./serve.ts";

const launched = await launch("chromium");
if ("missing" in launched) console.log(`The benchmarks' page is not tested: ${launched.missing}`);

let server: Server;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unrolled-bench-"));
  await buildPage(`${folder}/`);
  server = await serve(folder, { isolated: true });
});
afterAll(async () => {
  if (!("missing" in launched)) await launched.close();
  await server.close();
  await rm(folder, { recursive: true });
});

test.skipIf("missing" in launched)(
  "the suite runs in a page, threads included, and fills its table",
  async () => {
    const page = await (launched as Browser).open(`${server.url}?filter=W8/tanh`);
    const state: BenchmarkState = JSON.parse(
      await page.evaluate(async () => {
        while (benchmark.state === "running") await new Promise((resolve) => setTimeout(resolve, 100));
        return JSON.stringify(benchmark);
      }),
    );
    expect(state.why).toBeUndefined();
    expect(state.state).toBe("done");
    const columns = state.rows
      .filter(({ name }) => name === "W8/tanh")
      .map(({ build, threads }) => `${build} ${threads}`);
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    const threads = cores > 1 ? [1, 2] : [1];
    const builds = ["simd", "relaxed"].flatMap((build) => threads.map((count) => `${build} ${count}`));
    expect(columns).toEqual(["reference 1", ...builds]);
    const cells = await page.evaluate(() =>
      Array.from(document.querySelectorAll("tbody td"), ({ textContent }) => textContent),
    );
    expect(cells.slice(0, 3)).toEqual(["W8", "tanh of 1,048,576 floats", "ns/element"]);
    expect(cells).toHaveLength(3 + columns.length);
    for (const cell of cells.slice(3)) expect(cell).toMatch(/^[\d.]+/);
    await page.close();
  },
);
