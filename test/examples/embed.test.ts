/** The pages of examples/embed in a browser, with a model that has hardly been trained. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CharacterTokenizer, createEngine, LanguageModel, saveLanguageModel } from "../../src/index.ts";
import { type Browser, launch } from "../browser/browsers.ts";
import { type Server, serve } from "../browser/serve.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "unrolled-embed-"));
  const options = ["--out", folder, "--models", "moby-dick", "--steps", "3", "--no-serve"];
  await promisify(execFile)(process.execPath, ["examples/run.mjs", "embed", ...options]);
  copyFileSync(join(folder, "moby-dick.safetensors"), join(folder, "speeches.safetensors"));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

test("the folder has pages, one script, and a model of less than a megabyte", () => {
  expect(readdirSync(folder)).toEqual(
    expect.arrayContaining(["index.html", "generate.html", "autocomplete.html", "generate.min.js"]),
  );
  expect(statSync(join(folder, "moby-dick.safetensors")).size).toBeLessThan(1e6);
});

test.each([
  [["--steps", "0"], "--steps: expected a whole number from 1, got 0"],
  [["--port", "65536"], "--port: expected at most 65535, got 65536"],
  [["--models", "whales"], "--models: there is no whales"],
])("wrong options are said: %j", async (options, message) => {
  const running = promisify(execFile)(process.execPath, ["examples/run.mjs", "embed", ...options]);
  await expect(running).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test("a port that is taken is said in one line", async () => {
  const { url, close } = await serve(folder);
  const args = ["examples/run.mjs", "embed", "--out", folder, "--port", new URL(url).port];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^--port \d+: [^\n]+ in use\n$/),
  });
  await close();
});

describe("in a browser", async () => {
  const launched = await launch("chromium");
  if ("missing" in launched) {
    console.log(`the pages are not tested: ${launched.missing}`);
    test.skip(launched.missing);
    return;
  }
  const browser: Browser = launched;
  let server: Server;
  beforeAll(async () => {
    server = await serve(folder);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** A page, and what it complained of. */
  async function open(path: string) {
    const opened = await browser.open("about:blank");
    const page = opened.puppeteer!;
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(server.url + path);
    return { page, complaints };
  }

  test("a text is written, token by token, and stops when it is told to", async () => {
    const { page, complaints } = await open("generate.html");
    await page.waitForSelector("#go:not([disabled])");
    expect(await page.$eval("#status", (status) => status.textContent)).toBe(
      "LSTM, 1 × 208 units, 1024 tokens, 872 kB",
    );
    await page.$eval("#length", (input) => {
      (input as HTMLInputElement).value = "2000";
    });
    await page.click("#go");
    await page.waitForFunction(() => document.querySelectorAll("#output .token").length > 5);
    expect(await page.$eval("#go", (button) => button.textContent)).toBe("Stop");
    await page.click("#go");
    await page.waitForFunction(() => document.getElementById("go")!.textContent === "Write");
    const count = await page.$$eval("#output .token", (tokens) => tokens.length);
    expect(count).toBeLessThan(2000);
    expect(await page.$eval("#output", (output) => output.textContent)).toMatch(/^The white whale/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("another model comes from a URL, and what is none is refused in words", async () => {
    writeFileSync(join(folder, "page.safetensors"), "<!doctype html><title>Not found</title>");
    const { page } = await open("generate.html?model=page.safetensors");
    await page.waitForSelector(".error");
    const status = () => page.$eval("#status", (element) => element.textContent);
    expect(await status()).toMatch(/^safetensors: /);
    await page.$eval("#url", (input) => {
      (input as HTMLInputElement).value = "nothing.safetensors";
    });
    await page.click("#source button");
    await page.waitForFunction(() => document.getElementById("status")!.textContent!.includes("404"));
    expect(await status()).toBe("nothing.safetensors: expected a file, got HTTP status 404");
    await page.$eval("#url", (input) => {
      (input as HTMLInputElement).value = "moby-dick.safetensors";
    });
    await page.click("#source button");
    await page.waitForSelector("#go:not([disabled])");
    await page.close();
  });

  test("what went wrong with one text is no longer said of the next", async () => {
    const { page, complaints } = await open("generate.html");
    await page.waitForSelector("#go:not([disabled])");
    const length = (value: string) =>
      page.$eval("#length", (input, value) => void ((input as HTMLInputElement).value = value), value);
    await length("");
    await page.$eval("#prompt", (form) => {
      (form as HTMLFormElement).noValidate = true;
    });
    await page.click("#go");
    await page.waitForSelector("#status.error");
    await length("10");
    await page.click("#go");
    // Half a character at the end is written as a token more.
    await page.waitForFunction(() => document.querySelectorAll("#output .token").length >= 10);
    expect(await page.$eval("#status", (status) => [status.className, status.textContent])).toEqual([
      "",
      "LSTM, 1 × 208 units, 1024 tokens, 872 kB",
    ]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("markup in a stranger's tokens stays text", async () => {
    const markup = "<img src=x onerror=document.title='run'>";
    const engine = await createEngine();
    const tokenizer = CharacterTokenizer.train("The white whale", { specialTokens: [markup] });
    const model = new LanguageModel(engine, { vocabSize: tokenizer.vocabSize, hiddenSize: 4 }, tokenizer);
    // So that it comes all the time.
    model.decoder.bias!.set(
      Float32Array.from({ length: tokenizer.vocabSize }, (_, id) => (id === 1 ? 50 : 0)),
    );
    writeFileSync(join(folder, "markup.safetensors"), saveLanguageModel(model));
    engine.close();
    const { page, complaints } = await open("generate.html?model=markup.safetensors");
    await page.waitForSelector("#go:not([disabled])");
    await page.click("#go");
    await page.waitForFunction(() => document.querySelectorAll("#output .token").length > 3);
    expect(await page.$eval("#output", (output) => output.textContent)).toContain(markup + markup);
    expect(await page.$$("#output img")).toEqual([]);
    expect(await page.title()).toBe("Generate — Unrolled");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("words are suggested at every key; Tab takes the one in grey, a click any other", async () => {
    const { page, complaints } = await open("autocomplete.html");
    await page.waitForSelector("#text:not([disabled])");
    await page.type("#text", "I went to t");
    const words = () => page.$$eval("#suggestions button", (buttons) => buttons.map((b) => b.textContent!));
    const value = () => page.$eval("#text", (text) => (text as HTMLTextAreaElement).value);
    for (const word of await words()) expect(word).toMatch(/^t./);
    expect((await words()).length).toBeGreaterThan(0);
    const [first] = await words();
    await page.click("#suggestions button");
    expect(await value()).toBe(`I went to ${first}`);
    // After three steps of training nothing is likely, so that no word stands in grey; Tab leaves.
    const ghost = await page.$eval(".ghost", (element) => element.textContent!);
    await page.focus("#text");
    await page.keyboard.press("Tab");
    expect(await value()).toBe(`I went to ${first}${ghost}`);
    expect(await page.$eval("#speed", (speed) => speed.textContent)).toMatch(/^this key [\d.]+ ms, slowest/);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
