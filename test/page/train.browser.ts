import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createEngine, loadLanguageModel, readSafetensors, writeSafetensors } from "../../src/index.ts";
import {
  FOLDER,
  figure,
  heldOutLoss,
  type Page,
  type Playground,
  press,
  replaceText,
  startPlayground,
  stepOf,
  textOf,
  waitForStep,
  waitForText,
} from "./playground.ts";

const SMALL =
  "#/train?text=moby-dick&cell=gru&hiddenSize=48&embeddingSize=32&batchSize=16&sequenceLength=32&steps=200";
const LONG = SMALL.replace("steps=200", "steps=20000");

let playground: Playground;
let folder: string;
const pages: Page[] = [];

async function open(hash?: string): Promise<Page> {
  const page = await playground.open(hash);
  pages.push(page);
  return page;
}

/** Removes all runs, so that a test begins with none. */
async function clear(page: Page): Promise<void> {
  await page.evaluate(() => {
    location.hash = "#/train";
  });
  await page.waitForSelector(".view.train");
  for (;;) {
    const button = await page.$(".run-tab .icon-button");
    if (!button) return;
    await button.click();
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Asked about what was trained.
    await (await page.$(".removal .danger"))?.click();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function download(page: Page): Promise<Uint8Array> {
  const client = await page.createCDPSession();
  await client.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  const path = join(folder, "gru-48.safetensors");
  rmSync(path, { force: true });
  await page.click("#download");
  for (let i = 0; !existsSync(path) && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  return readFileSync(path);
}

async function upload(
  page: Page,
  selector: string,
  name: string,
  content: Uint8Array | string,
): Promise<void> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const input = (await page.$(selector)) as { uploadFile?(path: string): Promise<void> } | null;
  await input?.uploadFile?.(path);
}

const MODEL_INPUT = '.experiment-links input[type="file"]';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "unrolled-page-"));
  const site = join(folder, "site");
  cpSync(FOLDER, site, { recursive: true });
  mkdirSync(join(site, "models"));
  writeFileSync(join(site, "models/broken.safetensors"), "no model");
  writeFileSync(join(site, "models/large.safetensors"), Buffer.alloc(65 * 2 ** 20));
  playground = await startPlayground({ folder: site });
});
afterEach(async () => {
  for (const page of pages.splice(0)) {
    // What lies behind another page cannot be clicked.
    await page.bringToFront();
    await clear(page);
    await page.close();
  }
});
afterAll(async () => {
  await playground?.close();
  rmSync(folder, { recursive: true });
});

describe("training in the page", () => {
  it("trains 200 steps: the loss falls, samples and figures come, nothing is said on the console", async () => {
    const page = await open(SMALL);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.click("#train");
    await waitForStep(page, 15);
    await waitForText(page, ".run-panel", /Held out/);
    const first = await heldOutLoss(page);
    await waitForText(page, ".run-panel", /Finished after 200 steps/);
    expect(await stepOf(page)).toBe(200);
    expect(await heldOutLoss(page)).toBeLessThan(0.9 * first);
    expect(await figure(page, "Kernels")).toMatch(/^simd \d+ threads?$/);
    expect((await textOf(page, ".sample-text")).length).toBeGreaterThan(150);
    expect(await page.$$eval(".chart canvas", (all) => all.length)).toBe(2);
    // The values at the pointer.
    await page.hover(".chart");
    await waitForText(page, ".chart-reading", /^step \d+ · GRU 48, training \d\.\d{3}/);
    await page.hover("h1");
    await expect.poll(() => textOf(page, ".chart-reading")).toBe("");
    expect(playground.errors()).toEqual([]);
  });

  it("goes on after a pause and after a reload, with its curve", async () => {
    const page = await open(LONG);
    await page.click("#train");
    await waitForStep(page, 60);
    await page.click("#pause");
    await waitForText(page, ".run-panel", /(?:Paused|Stopped) at step/);
    const paused = await stepOf(page);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await stepOf(page)).toBe(paused);
    await page.reload();
    const said = await waitForText(page, ".run-panel", /(?:Paused|Stopped) at step/);
    expect(said).toContain(`step ${paused.toLocaleString("en")} of 20,000`);
    const label = await page.$eval(".chart", (element) => element.getAttribute("aria-label"));
    expect(label).toMatch(/Gradient norm|Loss of GRU 48/);
    await page.click("#resume");
    await waitForStep(page, paused + 30);
    await page.click("#pause");
    await waitForText(page, ".run-panel", /(?:Paused|Stopped) at step/);
    await page.click("#resume");
    await waitForStep(page, paused + 60);
    expect(playground.errors()).toEqual([]);
  });

  it("survives a reload in the middle: what was kept last goes on", async () => {
    const page = await open(LONG);
    await page.click("#train");
    await waitForStep(page, 20);
    await page.reload();
    await waitForText(page, ".run-panel", /(?:Paused|Stopped) at step \d/);
    const kept = await stepOf(page);
    await page.click("#resume");
    await waitForStep(page, kept + 10);
  });

  it("lets one tab at a time go on with a run", async () => {
    const page = await open(LONG);
    await page.click("#train");
    await waitForStep(page, 20);
    await page.click("#pause");
    await waitForText(page, ".run-panel", /(?:Paused|Stopped) at step/);
    const other = await open("#/train");
    await other.bringToFront();
    await waitForText(other, ".run-panel", /(?:Paused|Stopped) at step/);
    await other.click("#resume");
    await waitForText(
      other,
      ".run-panel .notice.is-error",
      /The run “GRU 48” is open elsewhere: close it in the other tab first/,
    );
    await page.bringToFront();
    await page.click("#stop");
    await waitForText(page, ".run-panel", /Stopped at step/);
    await other.bringToFront();
    const stopped = await stepOf(other);
    await other.click("#resume");
    await waitForStep(other, stopped + 20);
  });

  it("generates from a prompt, and shows what else the model thought of", async () => {
    const page = await open(SMALL);
    await page.click("#train");
    await waitForText(page, ".run-panel", /Finished/);
    await replaceText(page, ".prompt-form textarea", "The whale");
    await page.click("#write");
    await page.waitForFunction(() => document.querySelectorAll(".stream-token").length === 300, {
      timeout: 60_000,
    });
    expect(await textOf(page, ".stream .prompt")).toBe("The whale");
    await page.hover(".stream-token:nth-of-type(5)");
    await page.waitForSelector(".others .bars li");
    expect(await page.$$eval(".others .bars li", (all) => all.length)).toBe(5);
    // Lines break where the text does, not inside words.
    const broken = await page.$$eval(
      ".stream-token",
      (all) =>
        all.filter((one, i) => {
          const before = all[i - 1];
          const isInside = before && /^[a-z]{2}$/.test(`${before.textContent}${one.textContent}`);
          return isInside && before.getBoundingClientRect().top !== one.getBoundingClientRect().top;
        }).length,
    );
    expect(broken).toBe(0);
    const looked = () =>
      page.$$eval(".stream-token", (all) => all.indexOf(document.activeElement as Element));
    await page.focus(".stream-token");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"] as const) await page.keyboard.press(key);
    expect(await looked()).toBe(1);
    await press(page, "From the held-out text");
    await page.waitForSelector(".truth");
    expect((await textOf(page, ".truth")).length).toBeGreaterThan(80);
  });

  it("downloads a model that Node reads, and opens it again", async () => {
    const page = await open(SMALL);
    await page.click("#train");
    await waitForText(page, ".run-panel", /Finished/);
    const file = await download(page);
    const engine = await createEngine({ threads: 1 });
    const { model } = loadLanguageModel(engine, file);
    expect(model.config).toMatchObject({ cell: "gru", hiddenSize: 48, embeddingSize: 32 });
    engine.close();
    await clear(page);
    await upload(page, MODEL_INPUT, "mine.safetensors", file);
    await waitForText(page, ".run-panel", /A model from a file/);
    expect(await textOf(page, ".run-panel h2")).toBe("mine");
    await page.click("#write");
    await page.waitForFunction(() => document.querySelectorAll(".stream-token").length > 20);
    const long = `${"very".repeat(40)}.safetensors`;
    await upload(page, MODEL_INPUT, long, file);
    await waitForText(page, ".run-panel h2", /veryvery/);
    for (const width of [1366, 390]) {
      await page.setViewport({ width, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
    expect(playground.errors()).toEqual([]);
  });

  it("says what is wrong with a file, and shows a stranger's markup as text", async () => {
    const page = await open(SMALL);
    await upload(page, MODEL_INPUT, "broken.safetensors", "not a model at all");
    expect(await waitForText(page, ".notice.is-error", /./)).toMatch(
      /broken\.safetensors could not be opened: safetensors: /,
    );
    await page.click("#train");
    await waitForText(page, ".run-panel", /Finished/);
    const { tensors, metadata } = readSafetensors(await download(page));
    const tokenizer = JSON.parse(metadata.tokenizer);
    const words = Array.from(
      { length: [...tokenizer.characters].length },
      (_, i) => `<img/src=x${i}/onerror=alert(1)>`,
    );
    const evil = { kind: "word", words, lowercase: false };
    const file = writeSafetensors(tensors, { ...metadata, tokenizer: JSON.stringify(evil) });
    await upload(page, MODEL_INPUT, "<img src=x onerror=alert(1)>.safetensors".replaceAll("/", ""), file);
    await waitForText(page, ".run-panel", /A model from a file/);
    await replaceText(page, ".prompt-form textarea", words[3]);
    await page.click("#write");
    await page.waitForFunction(() => document.querySelectorAll(".stream-token").length > 5);
    expect(await textOf(page, ".stream")).toContain("onerror=alert(1)");
    await page.evaluate(() => {
      location.hash = "#/inside";
    });
    await page.waitForSelector(".heat canvas");
    expect(await page.$$eval("img", (all) => all.length)).toBe(0);
    expect(playground.errors()).toEqual([]);
  });

  it("opens a model from an address, within limits", async () => {
    const page = await open(`${SMALL}&model=/models/large.safetensors`);
    const load = async (address: string): Promise<void> => {
      await replaceText(page, ".model-link input", address);
      await press(page, "Load");
    };
    // A link that names a model only fills the field in.
    expect(await page.$eval(".model-link input", (field) => (field as HTMLInputElement).value)).toBe(
      "/models/large.safetensors",
    );
    expect(await page.$(".run-panel")).toBeNull();
    await press(page, "Load");
    await waitForText(page, ".notice.is-error", /expected at most 67108864 bytes/);
    await page.evaluate(() => {
      location.hash = "#/train?model=/models/other.safetensors";
    });
    await page.waitForFunction(
      () =>
        document.querySelector<HTMLInputElement>(".model-link input")?.value === "/models/other.safetensors",
    );
    await load("http://example.org/a.safetensors");
    await waitForText(page, ".notice.is-error", /expected an address that begins with https:/);
    await load(`${playground.server.url}models/none.safetensors`);
    await waitForText(page, ".notice.is-error", /HTTP status 404/);
    await load(`${playground.server.url}models/large.safetensors`);
    await waitForText(page, ".notice.is-error", /expected at most 67108864 bytes/);
    await load(`${playground.server.url}models/broken.safetensors`);
    await waitForText(page, ".notice.is-error", /safetensors: /);
  });

  it("trains several runs side by side, with a colour each, and removes them", async () => {
    const page = await open(LONG);
    await page.click("#train");
    await waitForStep(page, 5);
    await page.evaluate(() => (document.querySelector('input[value="rnn"]') as HTMLElement).click());
    await page.click("#train");
    await page.waitForFunction(() => document.querySelectorAll(".run-tab").length === 2);
    await waitForText(page, ".run-panel h2", /RNN 48/);
    await waitForStep(page, 20);
    expect(await page.$$eval(".curves .legend input", (all) => all.length)).toBe(2);
    const colours = await page.$$eval(".curves .swatch", (all) =>
      all.map((swatch) => getComputedStyle(swatch).backgroundColor),
    );
    expect(new Set(colours).size).toBe(2);
    await clear(page);
    await page.waitForSelector(".empty");
    await page.reload();
    await page.waitForSelector(".empty");
  });

  it("trains on a text of one's own, which comes back after a reload", async () => {
    const page = await open(SMALL.replace("moby-dick", "own"));
    expect(await page.$eval("#train", (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    expect(await textOf(page, ".empty")).toMatch(/a text of your own: paste one/);
    await upload(
      page,
      '.text-input input[type="file"]',
      "own.txt",
      "the sea, the ship, the whale. ".repeat(800),
    );
    await waitForText(page, ".text-input", /24,000 characters/);
    await page.click("#train");
    await waitForText(page, ".run-panel", /Finished/);
    expect(await heldOutLoss(page)).toBeLessThan(0.6);
    await page.reload();
    await waitForText(page, ".text-input", /24,000 characters/);
    await upload(page, '.text-input input[type="file"]', "bytes.bin", Uint8Array.of(0xff, 0xfe, 0x00));
    await waitForText(page, ".text-input", /is not UTF-8 text/);
  });

  it("takes a text, or a model, that is dropped anywhere", async () => {
    const page = await open(SMALL);
    /** A file, or without a name text; returns whether the page keeps the browser from taking it. */
    const drop = (name: string, content: string) =>
      page.evaluate(
        (name, content) => {
          const dataTransfer = new DataTransfer();
          if (name) dataTransfer.items.add(new File([content], name));
          else dataTransfer.items.add(content, "text/plain");
          const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
          document.querySelector("h1")?.dispatchEvent(event);
          return event.defaultPrevented;
        },
        name,
        content,
      );
    await drop("dropped.txt", "a ship, a sea, a whale. ".repeat(1000));
    await waitForText(page, ".text-input", /24,000 characters/);
    expect(await page.evaluate(() => location.hash)).toContain("text=own");
    await drop("broken.safetensors", "nothing");
    await waitForText(page, ".notice.is-error", /^broken\.safetensors could not be opened: .*safetensors: /);
    await drop("dropped.txt", "a whale, a ship. ".repeat(1000));
    await waitForText(page, ".text-input", /17,000 characters/);
    expect(await page.$(".notice.is-error")).toBeNull();
    // On a view that takes none the page stays, and text that is dragged goes where the browser puts it.
    await page.click('.tab[href*="bench"]');
    await page.waitForSelector(".view.bench");
    expect(await drop("dropped.txt", "a whale")).toBe(true);
    expect(await drop("", "a whale")).toBe(false);
    await page.click('.tab[href*="inside"]');
    await page.waitForSelector(".view.inside");
    await drop("broken.safetensors", "nothing");
    await waitForText(page, ".inside .notice.is-error", /^broken\.safetensors could not be opened/);
  });

  it("stops a run, which gives its worker back, and lets it go on later", async () => {
    const page = await open(LONG);
    await page.click("#train");
    await waitForStep(page, 20);
    const workers = page.workers().length;
    await page.click("#stop");
    await waitForText(page, ".run-panel", /Stopped at step/);
    await expect.poll(() => page.workers().length, { timeout: 30_000 }).toBeLessThan(workers);
    const stopped = await stepOf(page);
    await page.click("#resume");
    expect(await textOf(page, ".run-title p")).toBe("Opening it again …");
    await waitForStep(page, stopped + 20);
  });

  it("says what is wrong with a text that is too short, before a run where that is sure", async () => {
    const page = await open(`${SMALL.replace("moby-dick", "own")}&tokenizer=bpe`);
    // The text before may still be there.
    await page.waitForNetworkIdle();
    if (await page.$(".text-input textarea[readonly]")) await press(page, "Clear");
    await replaceText(page, ".text-input textarea", "too short to learn anything from");
    await waitForText(page, ".launch", /Too short for a batch of 16 × 32 tokens/);
    expect(await page.$eval("#train", (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    await replaceText(page, ".text-input textarea", "the sea ".repeat(40));
    await page.click("#train");
    await waitForText(
      page,
      ".run-panel .notice.is-error",
      /^The text has \d+ tokens.*lower Batch or Sequence/,
    );
    for (const gone of [".run-panel .button", ".curves", ".samples", ".completions"])
      expect(await page.$(gone)).toBeNull();
  });

  it("takes a link's settings, and puts changes into the address", async () => {
    const page = await open("#/train?text=sums&cell=rnn&hiddenSize=96&learningRate=0.02&seed=9");
    expect(await page.$eval("select", (list) => (list as HTMLSelectElement).value)).toBe("sums");
    expect(await page.$eval('input[value="rnn"]', (radio) => (radio as HTMLInputElement).checked)).toBe(true);
    const before = await textOf(page, ".sizes");
    await page.evaluate(() => (document.querySelector('input[value="lstm"]') as HTMLElement).click());
    await page.waitForFunction(
      () => location.hash === "#/train?text=sums&hiddenSize=96&learningRate=0.02&seed=9",
    );
    expect(await textOf(page, ".sizes")).not.toBe(before);
    expect(await textOf(page, ".empty")).toMatch(/LSTM 96 on Sums/);
  });

  it("keeps training in a tab in the background", async () => {
    const page = await open(LONG);
    await page.click("#train");
    await waitForStep(page, 5);
    const front = await open("#/tokens");
    await front.bringToFront();
    await waitForStep(page, (await stepOf(page)) + 6);
  });
});
