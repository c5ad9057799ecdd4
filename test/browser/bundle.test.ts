/** The bundles for pages, as a static host serves them: one file, nothing beside it, no headers. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CharacterTokenizer, createEngine, LanguageModel, saveLanguageModel } from "../../src/index.ts";
import { WEIGHTS } from "../helpers/reproducible-run.ts";
import { BROWSERS, launch } from "./browsers.ts";
import { type Server, serve } from "./serve.ts";

const build = (name: string): string => fileURLToPath(new URL(`../../build/${name}`, import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "unrolled-bundle-"));
let server: Server;
beforeAll(async () => {
  copyFileSync(build("unrolled.min.js"), join(folder, "unrolled.min.js"));
  const script = 'import * as unrolled from "./unrolled.min.js"; window.unrolled = unrolled;';
  writeFileSync(join(folder, "index.html"), `<!doctype html><script type="module">${script}</script>`);
  server = await serve(folder);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

declare const unrolled: typeof import("../../src/index.ts");

/** In the page: what reproducible-run.ts does, with the bundle. */
async function trainInPage(): Promise<{ weights: string; text: string; binaries: string[] }> {
  const engine = await unrolled.createEngine({ numerics: "reproducible", seed: 2026 });
  const source = "All mortal greatness is but disease. ".repeat(60);
  const tokenizer = unrolled.CharacterTokenizer.train(source);
  const corpus = new unrolled.Corpus(tokenizer.encode(source), { batchSize: 5, sequenceLength: 17 });
  const sizes = { vocabSize: tokenizer.vocabSize, embeddingSize: 13, hiddenSize: 37, numLayers: 2 };
  const model = new unrolled.LanguageModel(engine, { ...sizes, dropout: 0.1 }, tokenizer);
  for await (const _ of unrolled.train(model, corpus, { steps: 50, warmup: 5 }));
  const hash = await crypto.subtle.digest("SHA-256", unrolled.saveLanguageModel(model));
  let text = "";
  for await (const token of unrolled.generate(model, "All ", { length: 5 })) text += token.text;
  return {
    weights: Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    text,
    binaries: performance
      .getEntriesByType("resource")
      .map(({ name }) => name)
      .filter((name) => name.endsWith(".wasm")),
  };
}

/** In the page: which build "fast" has become. */
async function fastBuild(): Promise<string> {
  return (await unrolled.createEngine({ numerics: "fast" })).build;
}

describe.each(BROWSERS)("%s", async (name) => {
  const browser = await launch(name);
  if ("missing" in browser) {
    test.skip(browser.missing);
    return;
  }
  afterAll(() => browser.close());

  test("trains and generates from one file, with Node's bits, and asks for no other", async () => {
    const page = await browser.open(server.url);
    const { weights, text, binaries } = await page.evaluate(trainInPage);
    expect(weights).toBe(WEIGHTS);
    expect(text).toHaveLength(5);
    expect(binaries).toEqual([]);
    await page.close();
  });

  test("the README's page writes", async () => {
    const [, snippet] = /```html\n([\s\S]*?)```/.exec(readFileSync("README.md", "utf8"))!;
    const engine = await createEngine();
    const tokenizer = CharacterTokenizer.train("Call me Ishmael.");
    const model = new LanguageModel(engine, { vocabSize: tokenizer.vocabSize, hiddenSize: 8 }, tokenizer);
    writeFileSync(join(folder, "model.safetensors"), saveLanguageModel(model));
    engine.close();
    copyFileSync(build("generate.min.js"), join(folder, "generate.min.js"));
    writeFileSync(join(folder, "readme.html"), `<!doctype html><meta charset="utf-8">${snippet}`);
    const page = await browser.open(`${server.url}readme.html`);
    const written = await page.evaluate(async () => {
      const text = document.getElementById("text")!;
      for (let i = 0; i < 3000 && text.textContent!.length < 100; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return text.textContent!.length;
    });
    expect(written).toBe(100);
    await page.close();
  });

  test("is fast with the relaxed build's file beside it, and does without", async () => {
    const page = await browser.open(server.url);
    expect(await page.evaluate(fastBuild)).toBe("simd");
    copyFileSync(build("kernels-relaxed.wasm"), join(folder, "kernels-relaxed.wasm"));
    try {
      // Not every version of the others has relaxed SIMD.
      const expected = name === "chromium" ? ["relaxed"] : ["relaxed", "simd"];
      expect(expected).toContain(await page.evaluate(fastBuild));
    } finally {
      rmSync(join(folder, "kernels-relaxed.wasm"));
    }
    await page.close();
  });
});
