import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSERS, type Browser, launch } from "./browsers.ts";
import { type Server, serve } from "./serve.ts";

const folder = mkdtempSync(join(tmpdir(), "unrolled-browser-"));
writeFileSync(join(folder, "index.html"), "<!doctype html><title>Unrolled</title><h1>Hello</h1>");
let server: Server;
beforeAll(async () => {
  server = await serve(folder, { isolated: true, headers: { "X-Test": "yes" } });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe.each(BROWSERS)("%s", async (name) => {
  const launched = await launch(name);
  if ("missing" in launched) {
    console.log(`${name} is left out: ${launched.missing}`);
    test.skip(launched.missing);
    return;
  }
  const browser: Browser = launched;
  afterAll(() => browser.close());

  test("evaluates in a page that is cross-origin isolated, and takes screenshots", async () => {
    const page = await browser.open(server.url);
    const add = async (a: number, b: { c: number[] }) => ({ sum: a + b.c[0], title: document.title });
    expect(await page.evaluate(add, 3, { c: [4] })).toEqual({ sum: 7, title: "Unrolled" });
    expect(await page.evaluate(() => self.crossOriginIsolated)).toBe(true);
    const header = async () => (await fetch(location.href)).headers.get("X-Test");
    expect(await page.evaluate(header)).toBe("yes");
    const fail = () => {
      throw new RangeError("out of range");
    };
    await expect(page.evaluate(fail)).rejects.toThrow("out of range");
    const png = await page.screenshot();
    expect([...png.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    await page.close();
  });
});
