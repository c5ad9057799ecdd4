/** `npm run bench:browsers`: the page's suite in the browsers of this machine, without a window. */
import { parseArgs } from "node:util";
import { BROWSERS, type Browser, type BrowserName, launch } from "../../test/browser/browsers.ts";
import { serve } from "../../test/browser/serve.ts";
import { circumstances } from "../circumstances.ts";
import { formatJson, formatMarkdown, type Row } from "../report.ts";
import type { BenchmarkState } from "./page.ts";

const USAGE = `Usage: npm run bench:browsers -- [options]

  --browser NAME  chromium, firefox or webkit; may be given several times (default: each one that is found)
  --filter NAME   only the benchmarks whose name contains NAME, or one of several: W5, or W1,W2,peak
  --json          one JSON object a line instead of Markdown (with npm run --silent)
  --help          this text`;

/** How often to ask how far a page is, in milliseconds: seldom, since asking costs a little time. */
const INTERVAL = 1000;

async function main(): Promise<number> {
  let options: { browser?: string[]; filter: string; json: boolean; help: boolean };
  try {
    options = parseArgs({
      // The name of the script comes first.
      args: process.argv.slice(3),
      options: {
        browser: { type: "string", multiple: true },
        filter: { type: "string", default: "" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
    const unknown = options.browser?.find((name) => !BROWSERS.includes(name as BrowserName));
    if (unknown) throw new Error(`--browser: expected one of ${BROWSERS.join(", ")}, got ${unknown}`);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const server = await serve("build/bench/page", { isolated: true });
  let code = 0;
  try {
    for (const name of (options.browser as BrowserName[] | undefined) ?? BROWSERS) {
      const browser = await launch(name);
      if ("missing" in browser) {
        console.error(`${name} is left out: ${browser.missing}`);
        if (options.browser) code = 1;
        continue;
      }
      try {
        const rows = await measure(browser, `${server.url}?filter=${encodeURIComponent(options.filter)}`);
        const format = options.json ? formatJson : formatMarkdown;
        console.log(
          `${format(rows, circumstances(browser.version.replace("/", " ")))}${options.json ? "" : "\n"}`,
        );
      } catch (error) {
        console.error(`${name}: ${(error as Error).message}`);
        code = 1;
      } finally {
        await browser.close();
      }
    }
  } finally {
    await server.close();
  }
  return code;
}

/** Runs the suite in a page and gives its rows. @throws Error with what the page says when it fails. */
async function measure(browser: Browser, url: string): Promise<Row[]> {
  const page = await browser.open(url);
  for (let told = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    // As text: WebKit's driver would make null of what is left out.
    const text = await page.evaluate(() => JSON.stringify(globalThis.benchmark));
    const { state, why, rows }: BenchmarkState = JSON.parse(text);
    if (state === "failed") throw new Error(why);
    if (state === "done") return rows;
    const names = new Set(rows.slice(told).map(({ name }) => name));
    for (const name of names) console.error(`${browser.name}: ${name} done`);
    told = rows.length;
  }
}

process.exitCode = await main();
