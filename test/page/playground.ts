/** A browser with the playground in it, and what a person does there. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Page as AnyPage, type BrowserName, type LaunchOptions, launch } from "../browser/browsers.ts";
import { type ServeOptions, type Server, serve } from "../browser/serve.ts";

/** A page that puppeteer drives. */
export type Page = NonNullable<AnyPage["puppeteer"]>;

export const FOLDER = fileURLToPath(new URL("../../build/page", import.meta.url));

export interface Playground {
  server: Server;
  /** A new page at the address behind `#`, on a laptop's window unless told. */
  open(hash?: string, window?: { width: number; height: number }): Promise<Page>;
  /** What pages said on the console as errors, blocked by their policy for instance, since this was last asked. */
  errors(): string[];
  close(): Promise<void>;
}

/** @throws Error if there is no such browser. */
export async function startPlayground(
  options: { browser?: BrowserName; folder?: string } & ServeOptions & LaunchOptions = {},
): Promise<Playground> {
  const { browser: name = "chromium", folder = FOLDER, isolated = true, headers, args } = options;
  const browser = await launch(name, { args });
  if ("missing" in browser) throw new Error(browser.missing);
  const server = await serve(folder, {
    isolated,
    headers: { ...headers, ...(isolated && (await policy(folder))) },
  });
  let errors: string[] = [];
  return {
    server,
    async open(hash = "", window = { width: 1366, height: 900 }) {
      const { puppeteer: page } = await browser.open("about:blank");
      if (!page) throw new Error(`${name} cannot be driven by puppeteer`);
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      page.on("pageerror", (error) => errors.push(String(error)));
      await page.setViewport({ ...window, isMobile: window.width < 500, hasTouch: window.width < 500 });
      await page.goto(server.url + hash);
      await page.waitForSelector("h1");
      return page;
    },
    errors() {
      const said = errors;
      errors = [];
      return said;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** The page's own policy as a header, as `npm run page` sends it: so that it holds in workers too. */
async function policy(folder: string): Promise<Record<string, string>> {
  const page = await readFile(`${folder}/index.html`, "utf8");
  const [, content] = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(page) ?? [];
  if (!content) throw new Error("the page has no policy");
  return { "Content-Security-Policy": content };
}

/** The text of the first element, as a person sees it. */
export function textOf(page: Page, selector: string): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not seen, and lines break.
  return page.$eval(selector, (element) => (element as HTMLElement).innerText);
}

/** Waits until the element's text matches, and returns it. */
export async function waitForText(
  page: Page,
  selector: string,
  pattern: RegExp,
  timeout = 120_000,
): Promise<string> {
  const found = await page.waitForFunction(
    (selector: string, source: string) => {
      // biome-ignore lint/performance/useDomNodeTextContent: as above.
      const text = (document.querySelector(selector) as HTMLElement | null)?.innerText ?? "";
      return new RegExp(source).test(text) && text;
    },
    { timeout, polling: 50 },
    selector,
    pattern.source,
  );
  return (await found.jsonValue()) as string;
}

/** A figure of the run's panel, by its label. */
export function figure(page: Page, label: string): Promise<string | undefined> {
  return page.evaluate((label) => {
    const found = [...document.querySelectorAll(".run-panel .figure")].find(
      (element) => element.querySelector("dt")?.textContent === label,
    );
    return found?.querySelector("dd")?.textContent ?? undefined;
  }, label);
}

export async function stepOf(page: Page): Promise<number> {
  const text = (await figure(page, "Step")) ?? "0";
  return Number.parseInt(text.replaceAll(",", ""), 10);
}

export async function heldOutLoss(page: Page): Promise<number> {
  return Number.parseFloat((await figure(page, "Held out")) ?? "NaN");
}

/** Waits until so many steps are done. */
export async function waitForStep(page: Page, step: number, timeout = 180_000): Promise<void> {
  const end = Date.now() + timeout;
  while ((await stepOf(page)) < step) {
    if (Date.now() > end)
      throw new Error(`only ${await stepOf(page)} of ${step} steps after ${timeout / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Types into a field as a person does who replaces what is in it. */
export async function replaceText(page: Page, selector: string, text: string): Promise<void> {
  await page.focus(selector);
  await page.$eval(selector, (element) => (element as HTMLInputElement).select());
  await page.keyboard.press("Backspace");
  await page.type(selector, text);
}

/** Clicks the button with the text. */
export async function press(page: Page, text: string): Promise<void> {
  const button = await page.waitForSelector(
    `::-p-xpath(//button[contains(normalize-space(.), ${JSON.stringify(text)})])`,
  );
  await button?.click();
}

/** Moves a slider by its label with the keyboard, as many stops as told. */
export async function moveSlider(page: Page, label: string, by: number): Promise<void> {
  const slider = await page.waitForSelector(
    `::-p-xpath(//label[normalize-space(.)=${JSON.stringify(label)}]/following::input[@type="range"][1])`,
  );
  await slider?.focus();
  for (let i = 0; i < Math.abs(by); i++) await page.keyboard.press(by > 0 ? "ArrowRight" : "ArrowLeft");
}
