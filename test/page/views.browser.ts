import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CharacterTokenizer, createEngine, LanguageModel, saveLanguageModel } from "../../src/index.ts";
import {
  moveSlider,
  type Page,
  type Playground,
  press,
  replaceText,
  startPlayground,
  textOf,
  waitForStep,
  waitForText,
} from "./playground.ts";

let playground: Playground;
let page: Page;

beforeAll(async () => {
  playground = await startPlayground();
});
afterEach(async () => {
  expect(playground.errors()).toEqual([]);
  await page?.close();
});
afterAll(() => playground?.close());

const slide = (label: string, by: number) => moveSlider(page, label, by);

describe("Tokens", () => {
  const shown = () => page.$$eval(".token", (all) => all.map((token) => token.textContent).join(""));
  const count = () => page.$$eval(".token", (all) => all.length);

  it("slices what is typed, live, and fewer slices come from a larger vocabulary", async () => {
    page = await playground.open("#/tokens");
    await waitForText(page, ".learn", /2,048 tokens from Moby-Dick/);
    await page.waitForFunction(() =>
      document.querySelector(".merge-list h2")?.textContent?.startsWith("1,792"),
    );
    await replaceText(page, ".slices textarea", "the whale's 🐋 whaling <b>");
    await expect
      .poll(async () => (await shown()).replaceAll("·", " "))
      .toBe("the whale's F09F908B whaling <b>");
    const many = await count();
    await slide("Vocabulary in use", -200);
    await page.waitForFunction(() =>
      document.querySelector(".merge-list h2")?.textContent?.startsWith("0 merges"),
    );
    await expect.poll(count).toBe(new TextEncoder().encode("the whale's 🐋 whaling <b>").length);
    expect(await count()).toBeGreaterThan(1.5 * many);
    await page.hover(".token");
    expect(await textOf(page, ".token-detail")).toMatch(/t is number \d+, byte 74/);
    await page.focus(".token");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"] as const) await page.keyboard.press(key);
    await waitForText(page, ".token-detail", /h is number \d+, byte 68/);
  });

  it("has its whole vocabulary even if it was left while that grew", async () => {
    page = await playground.open("#/tokens");
    await waitForText(page, ".merge-list h2", /^[\d,]+ merges of 1,792/);
    await page.evaluate(() => {
      location.hash = "#/bench";
    });
    await page.waitForSelector(".view.bench");
    await page.evaluate(() => {
      location.hash = "#/tokens";
    });
    await page.waitForSelector(".view.tokens");
    expect(await textOf(page, ".merge-list h2")).toMatch(/^1,792 merges/);
  });

  it("learns byte pairs from one's own text, and finds merges", async () => {
    page = await playground.open("#/tokens");
    await waitForText(page, ".learn", /tokens from Moby-Dick/);
    await page.select(".learn select", "own");
    await replaceText(page, ".text-input textarea", "low lower lowest low low lower newest newest widest ");
    await page.click("#learn");
    await waitForText(page, ".learn", /tokens from your text/);
    await page.waitForFunction(() => document.querySelectorAll(".merge-list li:not(.is-later)").length > 5);
    await page.type('.merge-list input[type="search"]', "low");
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".merge-result")].every((result) => result.textContent?.includes("low")),
    );
    expect(await textOf(page, ".merge-list li")).toMatch(/lo\s*\+\s*w\s+·?low/);
    await replaceText(page, '.merge-list input[type="search"]', " ");
    await page.keyboard.press("Backspace");
    await replaceText(page, ".text-input textarea", "abc");
    await page.click("#learn");
    await waitForText(page, ".merge-none", /No pair of bytes comes twice/);
  });

  it("learns word vectors, in which like words have larger products", async () => {
    page = await playground.open("#/tokens");
    await page.click("#vectors");
    await waitForText(page, ".one-hot", /Step 2,000 of 2,000/, 250_000);
    const product = (a: string, b: string) =>
      page.evaluate(
        (a, b) => {
          const table = document.querySelectorAll(".products")[1];
          const column = [...table.querySelectorAll("thead th")].findIndex((head) => head.textContent === b);
          const row = [...table.querySelectorAll("tbody tr")].find(
            (one) => one.querySelector("th")?.textContent === a,
          );
          return Number(row?.querySelectorAll("td")[column].textContent?.replace("−", "-"));
        },
        a,
        b,
      );
    expect(await product("two", "three")).toBeGreaterThan(await product("two", "he"));
    expect(await product("captain", "ahab")).toBeGreaterThan(await product("captain", "sea"));
    expect(await textOf(page, ".neighbours")).toMatch(/whale/);
  });
});

describe("Inside", () => {
  it("shows states, gates, next tokens and equations of a model trained there", async () => {
    page = await playground.open("#/inside");
    await page.click("#small");
    await page.waitForSelector(".heat canvas", { timeout: 150_000 });
    await replaceText(page, ".inside-controls textarea", "Call me");
    await page.waitForFunction(() => document.querySelectorAll(".heat-tokens span").length === 7);
    await press(page, "Step →");
    expect(await textOf(page, ".equations h3")).toMatch(/reads\s+a/);
    // Keys count also while the pointer rests over it.
    await page.hover(".heat-field");
    await page.focus(".heat-field");
    for (const key of ["ArrowRight", "ArrowDown", "ArrowDown"] as const) await page.keyboard.press(key);
    await waitForText(page, ".equations h3", /Unit 2 reads\s+l/);
    expect(await textOf(page, ".followed h3")).toMatch(/^Unit 2 /);
    expect(await page.$$eval(".next .bars li", (all) => all.length)).toBe(6);
    // The numbers are the unit's own: h′ = o · tanh(c′).
    const [o, c, h] = await page.$$eval(".equations li", (lines) =>
      [3, 4, 5].map((i) => Number(lines[i].querySelector(".numbers b")?.textContent?.replace("−", "-"))),
    );
    expect(Math.abs(o * Math.tanh(c) - h)).toBeLessThan(0.002);
    for (const name of ["Cell state", "Forget gate", "Input gate", "Output gate"]) {
      const radio = await page.waitForSelector(`::-p-xpath(//label[normalize-space(.)="${name}"]/input)`);
      await radio?.evaluate((input) => (input as HTMLElement).click());
      await waitForText(page, ".heat h3", new RegExp(name));
    }
    await page.evaluate(() => {
      location.hash = "#/train";
    });
    await waitForStep(page, 10);
  });
});

describe("Inside, a model of", () => {
  const train = async (settings: string): Promise<void> => {
    page = await playground.open(`#/train?batchSize=8&sequenceLength=16&${settings}`);
    await page.click("#train");
    await waitForText(page, ".run-panel", /Finished/);
    await page.evaluate(() => {
      location.hash = "#/inside";
    });
    await page.waitForSelector(".heat canvas");
  };

  it("sums, reads sums unless told otherwise, and says what it does not know", async () => {
    await train("text=sums&hiddenSize=16&embeddingSize=8&steps=100");
    const sentence = () =>
      page.$eval(".inside-controls textarea", (area) => (area as HTMLTextAreaElement).value);
    expect(await sentence()).toMatch(/^(\d+\+\d+=\d+\n){3,}\d+\+\d+=\d+$/);
    expect(await textOf(page, ".followed-text")).toMatch(/^\d+\+\d+=\d+⏎$/m);
    expect(await textOf(page, ".inside-controls")).not.toMatch(/never saw/);
    await replaceText(page, ".inside-controls textarea", "4x7=é");
    await waitForText(page, ".inside-controls", /never saw, and reads as <unk>: "x" "é"/);
    await replaceText(page, ".inside-controls textarea", "1");
    await page.keyboard.press("Backspace");
    await waitForText(page, ".inside", /Write something for the model to read/);
    expect(await page.$(".heat")).toBeNull();
    expect(await page.$(".inside .notice")).toBeNull();
  });

  it("a state that is narrower than its gates shows the last number of it for a unit behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "unrolled-page-"));
    const path = join(folder, "narrow.safetensors");
    const engine = await createEngine({ threads: 1 });
    const tokenizer = CharacterTokenizer.train("the sea ");
    const sizes = { vocabSize: tokenizer.vocabSize, embeddingSize: 8, hiddenSize: 24, projSize: 8 };
    writeFileSync(path, saveLanguageModel(new LanguageModel(engine, { cell: "lstm", ...sizes }, tokenizer)));
    engine.close();
    page = await playground.open("#/inside");
    const input = await page.waitForSelector('.inside input[type="file"]');
    await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(path);
    await waitForText(page, ".heat h3", /Hidden state, 8 units/);
    rmSync(folder, { recursive: true });
    const choose = async (name: string): Promise<void> => {
      const radio = await page.waitForSelector(`::-p-xpath(//label[normalize-space(.)="${name}"]/input)`);
      await radio?.evaluate((input) => (input as HTMLElement).click());
      await waitForText(page, ".heat h3", new RegExp(name));
    };
    await choose("Forget gate");
    await page.focus(".heat-field");
    for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowDown");
    await waitForText(page, ".heat-now", /unit 20/);
    await choose("Hidden state");
    await waitForText(page, ".heat-now", /unit 7, .*: -?\d\.\d{3}/);
    expect(await page.$eval(".unit-picker input", (field) => (field as HTMLInputElement).value)).toBe("7");
    await page.focus(".heat-field");
    await page.keyboard.press("ArrowUp");
    await waitForText(page, ".heat-now", /unit 6/);
  });

  it("byte pairs, can be read on a phone, and the column looked at stays in sight", async () => {
    await train("text=moby-dick&tokenizer=bpe&vocabSize=512&hiddenSize=16&embeddingSize=8&steps=100");
    await page.setViewport({ width: 390, height: 844 });
    await replaceText(
      page,
      ".inside-controls textarea",
      "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money",
    );
    await page.waitForFunction(() => document.querySelectorAll(".heat-tokens span").length > 30);
    const cut = await page.$$eval(".heat-tokens span", (labels) =>
      labels
        .filter((one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight)
        .map((one) => one.textContent),
    );
    expect(cut).toEqual([]);
    const isInSight = () =>
      page.evaluate(() => {
        const box = document.querySelector(".heat-scroll")!.getBoundingClientRect();
        const column = document.querySelector(".heat-column")!.getBoundingClientRect();
        return column.left >= box.left && column.right <= box.right;
      });
    await page.focus(".heat-field");
    for (let i = 0; i < 28; i++) await page.keyboard.press("ArrowRight");
    await expect.poll(isInSight).toBe(true);
    for (let i = 0; i < 26; i++) await page.keyboard.press("ArrowLeft");
    await expect.poll(isInSight).toBe(true);
  });
});

describe("Through time", () => {
  it("shows the gradient vanish, explode, and stay", async () => {
    page = await playground.open("#/time");
    const fate = (cell: string) => textOf(page, `.unrolled.cell-${cell} figcaption p`);
    // As it opens, gates win.
    await waitForText(page, ".unrolled.cell-rnn", /vanishes.*after 100/);
    expect(await fate("gru")).toMatch(/arrives/);
    expect(await fate("lstm")).toMatch(/arrives/);
    await press(page, "It vanishes");
    for (const cell of ["rnn", "gru", "lstm"])
      await waitForText(page, `.unrolled.cell-${cell}`, /vanishes.*after 60/);
    await press(page, "It explodes");
    await waitForText(page, ".unrolled.cell-rnn", /explodes: × \d\S* after 60/);
    await waitForText(page, ".unrolled.cell-gru", /arrives.*after 60/);
    const pressed = '.presets [aria-pressed="true"]';
    expect(await page.$$eval(pressed, (all) => all.map((one) => one.textContent))).toEqual(["It explodes"]);
    await press(page, "Gates keep it");
    await waitForText(page, ".unrolled.cell-lstm", /arrives.*after 100/);
    expect(await fate("rnn")).toMatch(/vanishes/);
    await slide("Spectral radius of W_hh", 30);
    expect(await page.$(pressed)).toBeNull();
    await waitForText(page, ".unrolled.cell-rnn", /explodes/);
    await slide("Sequence length", -10);
    await waitForText(page, ".unrolled.cell-gru", /after 50/);
    await slide("Clipping threshold", -4);
    // Positions on the way are computed and shown too: it is the last that counts.
    await waitForText(page, ".clip-rows", /→ 0\.1/);
  });
});

describe("Bench", () => {
  const measure = async (): Promise<void> => {
    await page.click("#bench");
    await page.waitForFunction(() => document.querySelectorAll(".bench-bars li").length >= 3, {
      timeout: 150_000,
    });
    await press(page, "Stop");
  };
  const COPY = ".bench-controls .quiet";

  it("measures builds against plain TypeScript, and copies a table", async () => {
    page = await playground.open("#/bench");
    await page.browserContext().overridePermissions(playground.server.url, ["clipboard-read"]);
    await measure();
    const bars = await textOf(page, ".bench-bars");
    expect(bars).toMatch(/plain TypeScript/);
    expect(bars).toMatch(/WASM simd/);
    expect(bars).toMatch(/GFLOP\/s\s+\d/);
    await press(page, "Copy");
    await waitForText(page, COPY, /Copied as a table/);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^\| work \|[\s\S]+WASM simd/);
    await measure();
    expect(await textOf(page, COPY)).toBe("Copy");
  });

  it("copies without a clipboard, as over plain http, or says that it could not", async () => {
    page = await playground.open("#/bench");
    await page.evaluate(() => {
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      document.addEventListener("copy", (event) => {
        const { value } = event.target as HTMLTextAreaElement;
        Object.assign(globalThis, { copied: value });
      });
    });
    await measure();
    await press(page, "Copy");
    await waitForText(page, COPY, /Copied as a table/);
    expect(await page.evaluate(() => (globalThis as unknown as { copied: string }).copied)).toMatch(
      /^\| work \|[\s\S]+WASM simd/,
    );
    await page.evaluate(() => {
      document.execCommand = () => false;
    });
    await press(page, "Copied");
    await waitForText(page, COPY, /The browser did not let it be copied/);
  });
});
