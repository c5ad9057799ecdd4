/**
 * Chromium, Firefox and WebKit behind one small interface: open a page, evaluate in it, take a screenshot.
 * `page.puppeteer` is for what goes beyond (clicks, downloads, windows of another size): Chromium and Firefox have it.
 */
import puppeteer, { type Page as PuppeteerPage } from "puppeteer-core";
import { type BrowserName, findBrowser } from "./find.ts";
import { launchWebKit } from "./webkit.ts";

export { BROWSERS, type BrowserName, findBrowser } from "./find.ts";

export interface Page {
  /**
   * Runs a function in the page and gives what it returns, awaited, as JSON. It is sent as text: it knows nothing of
   * what is around it but its arguments.
   * @throws Error with what it threw.
   */
  // biome-ignore lint/suspicious/noExplicitAny: arguments of any type that JSON can carry.
  evaluate<A extends any[], T>(run: (...args: A) => T | Promise<T>, ...args: A): Promise<T>;
  /** PNG. */
  screenshot(): Promise<Uint8Array>;
  close(): Promise<void>;
  readonly puppeteer?: PuppeteerPage;
}

export interface Browser {
  readonly name: BrowserName;
  readonly version: string;
  /** Opens a page, and waits until it has loaded. WebKit has one page: opening a second leaves the first. */
  open(url: string): Promise<Page>;
  close(): Promise<void>;
}

const ARGUMENTS: Record<"chromium" | "firefox", string[]> = {
  chromium: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
  firefox: [],
};

/** A step of training may take long in a browser that shares two cores with the tests. */
const TIMEOUT = 300_000;

export interface LaunchOptions {
  /** More arguments of the browser's program: Chromium's `--js-flags=…`. */
  args?: readonly string[];
}

/**
 * Starts a browser without a window, or says in one sentence why it can't.
 * `const browser = await launch("firefox"); if ("missing" in browser) console.log(browser.missing);`
 */
export async function launch(
  name: BrowserName,
  { args = [] }: LaunchOptions = {},
): Promise<Browser | { missing: string }> {
  const found = await findBrowser(name);
  if ("missing" in found) return found;
  if (name === "webkit") return launchWebKit(found.path, TIMEOUT);
  const browser = await puppeteer.launch({
    browser: name === "chromium" ? "chrome" : "firefox",
    executablePath: found.path,
    headless: true,
    args: [...ARGUMENTS[name], ...args],
    timeout: TIMEOUT,
    protocolTimeout: TIMEOUT,
  });
  return {
    name,
    version: await browser.version(),
    async open(url) {
      const page = await browser.newPage();
      page.setDefaultTimeout(TIMEOUT);
      await page.goto(url);
      return {
        puppeteer: page,
        evaluate: (run, ...values) => page.evaluate(run, ...values) as never,
        screenshot: () => page.screenshot(),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}
