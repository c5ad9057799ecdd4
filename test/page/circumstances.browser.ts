/** Where the playground may find itself: a phone, a plain server, an old processor, no network, another browser. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BROWSERS, launch } from "../browser/browsers.ts";
import { serve } from "../browser/serve.ts";
import {
  FOLDER,
  figure,
  type Page,
  type Playground,
  startPlayground,
  stepOf,
  textOf,
  waitForStep,
  waitForText,
} from "./playground.ts";

const VIEWS = ["tokens", "train", "inside", "time", "bench"];
const SMALL = "#/train?text=sums&hiddenSize=32&embeddingSize=16&batchSize=8&sequenceLength=16&steps=20000";
const PHONE = { width: 390, height: 844 };

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Starts a run, perhaps beside those of other tests. */
async function train(page: Page): Promise<void> {
  await page.click("#train");
  await page.waitForSelector('#pause:not([aria-disabled="true"])');
}

/**
 * The longest task of the page's main thread within so long, in milliseconds of processor time: on a machine that
 * does other things beside, what passes by the clock is theirs too.
 */
async function longestTask(page: Page, milliseconds: number): Promise<number> {
  await page.tracing.start({ categories: ["toplevel", "__metadata"] });
  await pause(milliseconds);
  const trace = new TextDecoder().decode(await page.tracing.stop());
  const { traceEvents } = JSON.parse(trace) as {
    traceEvents: { name: string; pid: number; tid: number; tdur?: number; args: { name?: string } }[];
  };
  const thread = ({ pid, tid }: { pid: number; tid: number }): string => `${pid} ${tid}`;
  const main = new Set(traceEvents.filter(({ args }) => args.name === "CrRendererMain").map(thread));
  const tasks = traceEvents.filter((one) => one.name.endsWith("RunTask") && main.has(thread(one)));
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur / 1000));
}

type Session = Awaited<ReturnType<Page["createCDPSession"]>>;

/** Bytes in use after a collection: the page's and the training worker's heap, and the engine's memory. */
async function memoryOf(page: Page): Promise<{ page: number; worker: number; engine: number }> {
  const heap = async (session: Session): Promise<number> => {
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Runtime.getHeapUsage")).usedSize;
  };
  const own = await page.createCDPSession();
  const { client } = page.workers().find((worker) => worker.url().includes("trainer-worker"))!;
  const worker = await heap(client);
  const prototype = await client.send("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
  const { objects } = await client.send("Runtime.queryObjects", {
    prototypeObjectId: prototype.result.objectId!,
  });
  const { result } = await client.send("Runtime.callFunctionOn", {
    objectId: objects.objectId,
    functionDeclaration: "function () { return this.reduce((sum, one) => sum + one.buffer.byteLength, 0); }",
    returnByValue: true,
  });
  return { page: await heap(own), worker, engine: result.value };
}

async function visit(page: Page, view: string): Promise<void> {
  await page.evaluate((view) => {
    location.hash = `#/${view}`;
  }, view);
  await page.waitForFunction((view) => document.querySelector(`.view.${view}`), {}, view);
}

const AXE = readFileSync(
  createRequire(new URL("../browser/", import.meta.url)).resolve("axe-core/axe.min.js"),
  "utf8",
);

/** What axe-core finds that is serious or critical. */
async function findSerious(page: Page): Promise<string[]> {
  // Colours on their way to others are none that anyone reads.
  await page.waitForFunction(() => {
    const running = document.getAnimations().filter(({ playState }) => playState === "running");
    return !running.some((one) => one instanceof CSSTransition && one.transitionProperty.includes("color"));
  });
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes[0].html}: ${nodes[0].failureSummary}`);
  });
}

/** The least contrast of the elements' text, by WCAG's formula: axe-core leaves single characters out. */
function leastContrast(page: Page, selector: string): Promise<number> {
  return page.$$eval(selector, (elements) => {
    const luminance = (colour: string): number => {
      const [r, g, b] = (colour.match(/[\d.]+/g) ?? []).map((value) => {
        const share = Number(value) / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratios = elements.map((element) => {
      const { color, backgroundColor } = getComputedStyle(element);
      const [a, b] = [luminance(color), luminance(backgroundColor)];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
    return Math.min(...ratios);
  });
}

describe("on a laptop and a phone", () => {
  let playground: Playground;
  beforeAll(async () => {
    playground = await startPlayground();
  });
  afterAll(() => playground?.close());

  it("trains on a phone, and no view is wider than the screen", async () => {
    const page = await playground.open(SMALL, PHONE);
    await page.tap("#train");
    await waitForStep(page, 20);
    for (const view of VIEWS) {
      await visit(page, view);
      await pause(500);
      const [width, right] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        Math.max(
          ...Array.from(
            document.querySelectorAll(".panel, h1, .tab"),
            (one) => one.getBoundingClientRect().right,
          ),
        ),
      ]);
      expect(width, view).toBe(PHONE.width);
      expect(right, view).toBeLessThanOrEqual(PHONE.width);
    }
    await page.tap(".tab[href*=tokens]");
    await page.waitForSelector(".view.tokens");
    await page.close();
    expect(playground.errors()).toEqual([]);
  });

  it("has nothing serious for axe-core to find, in light and dark, wide and narrow", async () => {
    for (const window of [{ width: 1366, height: 900 }, PHONE]) {
      const page = await playground.open(SMALL, window);
      if ((await page.$(".run-panel")) === null) await page.click("#train");
      for (const view of VIEWS) {
        await visit(page, view);
        await pause(view === "tokens" ? 5000 : 1200);
        for (const scheme of ["light", "dark"]) {
          await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
          await pause(250);
          expect(await findSerious(page), `${view}, ${scheme}, ${window.width}`).toEqual([]);
        }
      }
      await page.close();
    }
  });

  it("can be read, and its parts have names, inside a model of a novel", async () => {
    const page = await playground.open(SMALL.replace("sums", "moby-dick").replace("20000", "300"));
    await page.click("#train");
    await waitForText(page, ".run-panel", /Finished/);
    await visit(page, "inside");
    await page.waitForSelector(".heat canvas");
    for (const scheme of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await pause(250);
      expect(await findSerious(page), scheme).toEqual([]);
      expect(await leastContrast(page, ".followed-text span"), scheme).toBeGreaterThanOrEqual(4.5);
    }
    await page.close();
  });

  it("is reached by keys alone: skip link, tabs, controls", async () => {
    const page = await playground.open("#/tokens");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the view");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    const training = await page.$(".tab[href*=train]");
    await training?.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".view.train");
    await page.close();
  });

  it("keeps the main thread free while it trains", async () => {
    const page = await playground.open(SMALL);
    await train(page);
    const before = await stepOf(page);
    const longest = await longestTask(page, 8000);
    expect(await stepOf(page)).toBeGreaterThan(before);
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(50);
    await page.close();
  });

  it("needs no more memory after three thousand steps than before", async () => {
    const page = await playground.open(SMALL);
    await train(page);
    await waitForStep(page, 500);
    const before = await memoryOf(page);
    await waitForStep(page, (await stepOf(page)) + 3000);
    const after = await memoryOf(page);
    expect(before.engine).toBeGreaterThan(0);
    expect(after.engine).toBe(before.engine);
    expect(after.page - before.page).toBeLessThan(2e6);
    expect(after.worker - before.worker).toBeLessThan(2e6);
    await page.close();
  });

  it("works without a network once it has been loaded", async () => {
    // Its own, since it closes the server.
    const playground = await startPlayground();
    const page = await playground.open(SMALL);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      if (!navigator.serviceWorker.controller) {
        await new Promise((resolve) =>
          navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }),
        );
      }
    });
    await playground.server.close();
    await page.goto(`${playground.server.url}${SMALL.replace("sums", "moby-dick")}`);
    await page.reload();
    await page.waitForSelector("#train");
    await page.click("#train");
    await waitForText(page, ".run-panel h2", /^LSTM 32/);
    await waitForStep(page, 10);
    await playground.close();
  });
});

it("keeps a new build as a whole for when there is no network, on a server that lets the old one be cached", async () => {
  const folder = mkdtempSync(join(tmpdir(), "unrolled-page-"));
  cpSync(FOLDER, folder, { recursive: true });
  const playground = await startPlayground({ folder, headers: { "Cache-Control": "max-age=600" } });
  const page = await playground.open(SMALL);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  // In the browser's own cache too, not only in the worker's.
  await page.reload();
  writeFileSync(join(folder, "page.js"), `${readFileSync(join(folder, "page.js"), "utf8")}\n// new`);
  const worker = readFileSync(join(folder, "service-worker.js"), "utf8");
  writeFileSync(join(folder, "service-worker.js"), worker.replace(/unrolled \w+/, "unrolled new"));
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  const kept = () =>
    page.evaluate(async () => {
      const cache = await caches.match("./page.js", { cacheName: "unrolled new" });
      return (await cache?.text())?.slice(-6);
    });
  await expect.poll(kept, { timeout: 20_000 }).toBe("// new");
  await playground.close();
  rmSync(folder, { recursive: true });
});

describe("on a server that sets no headers, in a folder of it", () => {
  it("trains on one thread, and says why", async () => {
    const playground = await startPlayground({ isolated: false });
    const page = await playground.open(SMALL);
    await page.click("#train");
    await waitForStep(page, 20);
    expect(await figure(page, "Kernels")).toMatch(/1 thread$/);
    if (await page.evaluate(() => navigator.hardwareConcurrency > 1)) {
      expect(await textOf(page, ".thread-note")).toMatch(
        /not cross-origin isolated, so training runs on one thread/,
      );
    }
    expect(playground.errors()).toEqual([]);
    await playground.close();
  });
});

describe("where site data are blocked", () => {
  it("says that nothing is kept, and works", async () => {
    const profile = mkdtempSync(join(tmpdir(), "unrolled-profile-"));
    mkdirSync(join(profile, "Default"));
    const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
    writeFileSync(join(profile, "Default/Preferences"), JSON.stringify(blocked));
    const playground = await startPlayground({ args: [`--user-data-dir=${profile}`] });
    const page = await playground.open("#/bench");
    await page.evaluateOnNewDocument(() => {
      globalThis.Worker = class extends Worker {
        constructor(...all: ConstructorParameters<typeof Worker>) {
          super(...all);
          if (all[0].toString().includes("trainer")) Object.assign(globalThis, { worker: this });
        }
      };
    });
    await page.goto(playground.server.url + SMALL);
    await page.reload();
    await expect(page.evaluate(() => localStorage.length)).rejects.toThrow(/SecurityError/);
    await waitForText(page, ".nothing-kept", /This browser keeps nothing for this page/);
    await page.click(".top > .icon-button");
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
    await page.click("#train");
    await waitForStep(page, 200);
    for (const view of VIEWS) await visit(page, view);
    // What was learnt is in its worker alone, which stays when the run fails: it can only be begun again.
    await visit(page, "train");
    const error = { name: "NumericError", message: "the loss is NaN" };
    await page.evaluate((error) => {
      const { worker } = globalThis as unknown as { worker: Worker };
      worker.dispatchEvent(new MessageEvent("message", { data: { kind: "state", state: "failed", error } }));
    }, error);
    await waitForText(page, "#resume", /Start again/);
    const failed = await stepOf(page);
    await page.click("#write");
    await page.waitForSelector(".stream-token");
    expect(await stepOf(page)).toBe(failed);
    await page.click("#resume");
    await waitForText(page, ".run-panel", /Training, /);
    expect(await stepOf(page)).toBeLessThan(failed);
    expect(playground.errors()).toEqual([]);
    await playground.close();
    // The browser's last processes may still write into it.
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });
});

describe("without WebAssembly SIMD", () => {
  it("says so, and slices text all the same", async () => {
    const playground = await startPlayground({ args: ["--js-flags=--no-enable-sse4-1"] });
    const page = await playground.open(SMALL);
    for (const view of ["train", "inside", "time", "bench"]) {
      await page.evaluate((view) => {
        location.hash = `#/${view}`;
      }, view);
      await waitForText(page, "h1", /This browser has no WebAssembly SIMD/);
    }
    expect(await textOf(page, "main")).toMatch(/Chrome and Edge have it from version 91/);
    await visit(page, "tokens");
    await waitForText(page, ".learn", /2,048 tokens from Moby-Dick/);
    expect(await page.$$eval(".token", (all) => all.length)).toBeGreaterThan(20);
    await playground.close();
  });
});

describe.each(BROWSERS)("%s", (name) => {
  it("shows all views, and trains", async ({ skip }) => {
    const browser = await launch(name);
    if ("missing" in browser) return skip(browser.missing);
    const server = await serve(FOLDER, { isolated: true });
    try {
      const page = await browser.open(server.url + SMALL);
      const read = (selector: string) =>
        page.evaluate(
          // biome-ignore lint/performance/useDomNodeTextContent: hidden text and the lack of line breaks matter.
          (selector) => (document.querySelector(selector) as HTMLElement | null)?.innerText ?? "",
          selector,
        );
      const until = async (selector: string, pattern: RegExp): Promise<void> => {
        for (let i = 0; !pattern.test(await read(selector)); i++) {
          if (i === 300)
            throw new Error(`${selector} never said ${pattern}, but ${JSON.stringify(await read("main"))}`);
          await pause(100);
        }
      };
      await until("#train", /Train/);
      await page.evaluate(() => (document.querySelector("#train") as HTMLElement).click());
      await until(".run-panel", /Step\s+[1-9][\d,]+/);
      for (const [view, selector, pattern] of [
        ["inside", ".heat h3", /Hidden state, 32 units/],
        ["time", ".unrolled.cell-rnn", /after 100 steps/],
        ["tokens", ".learn", /2,048 tokens/],
        ["bench", "h1", /How fast/],
      ] as const) {
        await page.evaluate((view) => {
          location.hash = `#/${view}`;
        }, view);
        await until(selector, pattern);
      }
      expect((await page.screenshot()).length).toBeGreaterThan(5000);
    } finally {
      await browser.close();
      await server.close();
    }
  });
});
