/** Runs over their life: begun, told apart, adjusted, kept, removed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  figure,
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

const TINY = "#/train?text=sums&hiddenSize=16&embeddingSize=8&batchSize=4&sequenceLength=8&steps=100";
const LONG = TINY.replace("steps=100", "steps=20000");

let playground: Playground;
let page: Page;

beforeAll(async () => {
  playground = await startPlayground();
});
afterEach(async () => {
  expect(playground.errors()).toEqual([]);
  await page.close();
  // What a test kept is not there in the next one.
  const empty = await playground.open("#/bench");
  await empty.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const request = indexedDB.deleteDatabase("unrolled");
        for (const event of ["success", "error", "blocked"]) request.addEventListener(event, () => resolve());
      }),
  );
  await empty.close();
});
afterAll(() => playground?.close());

const tabs = () =>
  page.$$eval(".run-tab .run-name > span:nth-child(2)", (all) => all.map((one) => one.textContent));

/** The keys of all that is kept. */
const kept = () =>
  page.evaluate(
    () =>
      new Promise<string[]>((resolve, reject) => {
        const opening = indexedDB.open("unrolled");
        opening.onerror = reject;
        opening.onsuccess = () => {
          const database = opening.result;
          const keys = database.transaction("runs").objectStore("runs").getAllKeys();
          keys.onsuccess = () => {
            database.close();
            resolve(keys.result as string[]);
          };
        };
      }),
  );

/** Removes the run of a tab. */
async function remove(index: number): Promise<void> {
  const { length } = await tabs();
  await (await page.$$(".run-tab .icon-button"))[index].click();
  await (await page.$(".removal .danger"))?.click();
  await expect.poll(async () => (await tabs()).length).toBe(length - 1);
}

async function finish(): Promise<void> {
  await page.click("#train");
  await waitForText(page, ".run-panel", /Finished/);
}

/** Begins a run in a page that holds a request to its trainer back until the run has finished. */
async function begin(hash: string, late?: "open" | "pause"): Promise<void> {
  page = await playground.open("#/bench");
  await page.evaluateOnNewDocument((late) => {
    globalThis.Worker = class extends Worker {
      #waiting: unknown[] = [];
      constructor(...all: ConstructorParameters<typeof Worker>) {
        super(...all);
        Object.assign(globalThis, { worker: this });
        this.addEventListener("message", ({ data }) => {
          if (data.state === "finished") for (const one of this.#waiting) super.postMessage(one);
        });
      }
      override postMessage(message: unknown): void {
        if (late && (message as { call?: string }).call === late) this.#waiting.push(message);
        else super.postMessage(message);
      }
    };
  }, late);
  await page.goto(playground.server.url + hash);
  await page.reload();
  await page.click("#train");
}

describe("a run that is removed", () => {
  it("while it is being prepared stays away, and its worker ends at once", async () => {
    await begin(LONG, "open");
    await waitForText(page, ".run-tab", /preparing/);
    expect(page.workers().length).toBe(1);
    await page.click(".run-tab .icon-button");
    await page.waitForSelector(".empty");
    await expect.poll(() => page.workers().length).toBe(0);
    await expect.poll(kept).toEqual([]);
  });
});

describe("a run that is stopped in its course", () => {
  /** Lets the page hear from the latest trainer's worker what it would say then. */
  const say = (type: "message" | "error", what: object) =>
    page.evaluate(
      (type, what) => {
        const { worker } = globalThis as unknown as { worker: Worker };
        worker.dispatchEvent(type === "error" ? new ErrorEvent(type, what) : new MessageEvent(type, what));
      },
      type,
      what,
    );

  const click = (id: string, times: number) =>
    page.evaluate(
      (id, times) => {
        const button = document.querySelector<HTMLElement>(id);
        for (let i = 0; i < times; i++) button?.click();
      },
      id,
      times,
    );

  it("by a loss that is not finite goes on from what is kept, at another learning rate", async () => {
    await begin(`${LONG}&schedule=constant`);
    await waitForStep(page, 20);
    const error = { name: "NumericError", message: "the loss of step 30 is NaN" };
    await say("message", { data: { kind: "state", state: "failed", error } });
    await waitForText(page, ".run-panel", /Stopped by an error/);
    expect(await textOf(page, ".run-panel .notice")).toBe("The loss of step 30 is NaN");
    await expect.poll(() => page.workers().length).toBe(0);
    await moveSlider(page, "Learning rate from now on", -10);
    expect(await textOf(page, "#resume")).toBe("Resume");
    await page.click("#resume");
    await waitForText(page, ".run-panel", /makes it 0\.00010 at this step/);
    await waitForStep(page, 20);
    expect(await page.$(".run-panel .notice")).toBeNull();
  });

  it("by the end of its worker goes on in another one", async () => {
    await begin(LONG);
    await waitForStep(page, 20);
    await say("error", { message: "out of memory", cancelable: true });
    await waitForText(page, ".run-panel .notice", /worker has ended: out of memory/);
    await page.click("#resume");
    await waitForText(page, ".run-panel", /Training, /);
    await page.click("#stop");
    await waitForText(page, ".run-panel", /Stopped at step/);
  });

  it("by two clicks ends as by one", async () => {
    await begin(LONG);
    await waitForStep(page, 20);
    await click("#pause", 2);
    await waitForText(page, ".run-panel", /Paused at step/);
    await click("#resume", 2);
    await waitForText(page, ".run-panel", /Training, /);
    await click("#stop", 2);
    await waitForText(page, ".run-panel", /Stopped at step/);
    const stopped = await textOf(page, ".run-panel h2 + p");
    await page.reload();
    await waitForText(page, ".run-panel", /Stopped at step/);
    expect(await textOf(page, ".run-panel h2 + p")).toBe(stopped);
  });

  it("too late has finished", async () => {
    await begin(TINY.replace("steps=100", "steps=2000"), "pause");
    await waitForStep(page, 5);
    await page.click("#pause");
    await waitForText(page, ".run-panel", /Finished after 2,000 steps/);
    // The pause is answered after that.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await textOf(page, ".run-panel")).toMatch(/Finished after 2,000 steps/);
    expect(await figure(page, "Step")).toBe("2,000 of 2,000");
  });

  it("on a full disk is paused, and loses nothing when there is room again", async () => {
    await begin(LONG);
    await waitForStep(page, 20);
    const [worker] = page.workers().filter((one) => one.url().includes("trainer-worker"));
    await worker.evaluate(() => {
      const { put } = IDBObjectStore.prototype;
      Object.assign(globalThis, { put });
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("the disk is full", "QuotaExceededError");
      };
    });
    await page.click("#stop");
    await waitForText(
      page,
      ".run-panel .notice",
      /did not keep the checkpoint “LSTM 16, sums”: .*the disk is full/,
    );
    const paused = await waitForText(page, ".run-panel h2 + p", /Paused at step/);
    await worker.evaluate(() => {
      IDBObjectStore.prototype.put = (globalThis as unknown as IDBObjectStore).put;
    });
    await page.click("#stop");
    expect(await waitForText(page, ".run-panel h2 + p", /Stopped at step/)).toBe(
      paused.replace("Paused", "Stopped"),
    );
    await page.reload();
    expect(await waitForText(page, ".run-panel h2 + p", /Stopped at step/)).toBe(
      paused.replace("Paused", "Stopped"),
    );
  });
});

describe("a run that was trained", () => {
  it("is removed only after a question, by keys as well", async () => {
    page = await playground.open(TINY);
    await finish();
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    await page.focus(".run-tab .icon-button");
    await page.keyboard.press("Enter");
    expect(await page.$eval(".removal", (group) => group.getAttribute("aria-label"))).toMatch(
      /^Remove LSTM 16, sums, and what it has learnt\?$/,
    );
    expect(await focused()).toBe("Keep");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".removal", { hidden: true });
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(
      "Remove LSTM 16, sums",
    );
    await page.keyboard.press("Enter");
    await page.waitForSelector(".removal");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Remove");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".empty");
    await expect.poll(focused).toBe("Train");
    await expect.poll(kept).toEqual([]);
  });

  it("is there after a reload however many there are, and what they take is said when it is much", async () => {
    page = await playground.open(TINY);
    for (let i = 0; i < 8; i++) {
      await finish();
      await page.waitForFunction(
        (count) => document.querySelectorAll(".run-tab").length === count,
        {},
        i + 1,
      );
    }
    const names = await tabs();
    expect(await page.$(".storage-note")).toBeNull();
    await page.evaluateOnNewDocument(() => {
      navigator.storage.estimate = async () => ({ usage: 250e6 });
    });
    await page.reload();
    await expect.poll(tabs).toEqual(names);
    expect(await page.$$eval(".curves .legend input:checked", (all) => all.length)).toBe(6);
    expect(await textOf(page, ".storage-note")).toMatch(/about 250 MB/);
  });
});

describe("runs", () => {
  it("that diverge are said to", async () => {
    page = await playground.open(`${TINY}&learningRate=1&schedule=constant&clip=1000000000`);
    await finish();
    expect(await textOf(page, ".run-panel .notice")).toMatch(/^Worse than guessing: lower/);
  });

  it("are called by what sets them apart, and have a colour each", async () => {
    page = await playground.open(TINY);
    await finish();
    await page.evaluate(() => {
      location.hash += "&optimizer=sgd&learningRate=0.02";
    });
    await page.waitForFunction(() => location.hash.includes("sgd"));
    await finish();
    expect(await tabs()).toEqual([
      "LSTM 16, sums, Adam, learning rate 0.006",
      "LSTM 16, sums, SGD, learning rate 0.02",
    ]);
    const others = "embedding 8, sequence 8, batch 4";
    expect(await textOf(page, ".run-settings")).toBe(`With SGD, ${others}, learning rate 0.02, steps 100`);
    await page.click(".run-tab .run-name");
    await press(page, "Use these settings");
    await page.waitForFunction(() => !/sgd|learningRate/.test(location.hash));
    expect(await textOf(page, ".run-settings")).toBe(`With ${others}, steps 100`);
    await page.click(".run-tab:last-child .run-name");
    await press(page, "Use these settings");
    await finish();
    expect((await tabs())[2]).toBe("LSTM 16, sums, SGD, learning rate 0.02 · 2");
    await remove(1);
    await finish();
    const colours = await page.$$eval(".run-tab .dot", (all) =>
      all.map((dot) => getComputedStyle(dot).backgroundColor),
    );
    expect(new Set(colours).size).toBe(3);
    // A cell has its own in every view.
    await page.evaluate(() => {
      location.hash += "&cell=gru";
    });
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>('[value="gru"]')?.checked);
    await finish();
    expect(await page.$$eval(".run-tab .dot", (all) => all.map((dot) => dot.classList[1]))).toEqual([
      "run-0",
      "run-4",
      "run-3",
      "run-2",
    ]);
  });

  it("come one for each press of the button, not one for each click of a double click", async () => {
    page = await playground.open(LONG);
    await page.waitForSelector("#train");
    await page.evaluate(() => {
      const button = document.querySelector<HTMLElement>("#train");
      for (let i = 0; i < 3; i++) button?.click();
    });
    await waitForStep(page, 5);
    expect(await tabs()).toEqual(["LSTM 16, sums"]);
  });
});

describe("what is changed while it trains", () => {
  const shown = () =>
    page.evaluate(() =>
      [".samples output", ".run-panel output"].map((name) => document.querySelector(name)?.textContent),
    );

  it("is shown as it is after another view, after a stop and after a reload, and holds", async () => {
    page = await playground.open(`${LONG}&schedule=constant`);
    await page.click("#train");
    await waitForStep(page, 5);
    await moveSlider(page, "Temperature", 12);
    await moveSlider(page, "Learning rate from now on", -10);
    expect(await shown()).toEqual(["1.30", "0.0001"]);
    await page.click('.tab[href*="bench"]');
    await page.waitForSelector(".view.bench");
    await page.click('.tab[href*="train"]');
    await page.waitForSelector(".run-panel output");
    expect(await shown()).toEqual(["1.30", "0.0001"]);
    await page.click("#stop");
    await waitForText(page, ".run-panel", /Stopped at step/);
    await page.reload();
    await waitForText(page, ".run-panel", /Stopped at step/);
    expect(await shown()).toEqual(["1.30", "0.0001"]);

    await moveSlider(page, "Temperature", -6);
    await moveSlider(page, "Learning rate from now on", 3);
    expect(await shown()).toEqual(["1.00", "0.0005"]);
    const samples = await page.$$eval(".earlier li", (all) => all.length);
    await page.click("#resume");
    await page.waitForFunction(
      (before) => document.querySelectorAll(".earlier li").length > before + 1,
      { timeout: 250_000 },
      samples,
    );
    expect(await shown()).toEqual(["1.00", "0.0005"]);
    expect(await textOf(page, ".samples")).toMatch(/temperature 1\.00;/);
    expect(await textOf(page, ".run-panel")).toMatch(/makes it 0\.00050 at this step/);
  });

  it("is only what can still come: a finished run takes no more steps, and writes no more samples", async () => {
    page = await playground.open(TINY);
    await finish();
    for (const name of [".samples input", ".run-panel input"])
      expect(await page.$eval(name, (input) => (input as HTMLInputElement).disabled)).toBe(true);
  });
});

describe("the panel of a run", () => {
  it("says the same of its steps after a reload", async () => {
    page = await playground.open(`${TINY}&clip=0.25`);
    await finish();
    const names = ["Step", "Held out", "Gradient norm", "Steps clipped"];
    // What guessing gives is known of a run that is open.
    const figures = async () =>
      (await Promise.all(names.map((name) => figure(page, name)))).map((text) =>
        text?.replace(/, guessing.*/, ""),
      );
    const before = await figures();
    expect(before[3]).toMatch(/^[1-9]\d* %$/);
    await page.reload();
    await waitForText(page, ".run-panel", /Finished/);
    expect(await figures()).toEqual(before);
  });

  it("says its state to screen readers when it changes, not the time left", async () => {
    page = await playground.open(LONG);
    await page.evaluate(() => {
      const said = new Set<string>();
      Object.assign(globalThis, { said });
      setInterval(() => {
        for (const region of document.querySelectorAll(".run-panel [aria-live]"))
          said.add(region.textContent);
      }, 20);
    });
    await page.click("#train");
    await waitForText(page, ".run-panel", /Training, \d+ (s|min) left/);
    await waitForStep(page, 4000);
    await page.click("#pause");
    await waitForText(page, ".run-panel", /Paused/);
    const said = await page.evaluate(() => [...(globalThis as unknown as { said: Set<string> }).said]);
    expect(said.filter((text) => /left|Training/.test(text))).toEqual(["Training"]);
  });
});

describe("on a phone, the run", () => {
  it("is in sight after its start, another view and a reload", async () => {
    const top = () => page.evaluate(() => document.querySelector(".run-tabs")!.getBoundingClientRect().top);
    page = await playground.open(TINY, { width: 390, height: 844 });
    await finish();
    await expect.poll(top).toBeLessThan(200);
    await page.click('.tab[href*="bench"]');
    await page.waitForSelector(".view.bench");
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await page.click('.tab[href*="train"]');
    await page.waitForSelector(".run-tabs");
    await expect.poll(top).toBeLessThan(200);
    await page.reload();
    await page.waitForSelector(".run-tabs");
    await expect.poll(top).toBeLessThan(200);
    expect(await top()).toBeGreaterThan(50);
  });
});

describe("the keyboard's focus", () => {
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
  const enter = () => page.keyboard.press("Enter");

  it("stays with what was pressed, or goes to what takes its place", async () => {
    page = await playground.open(LONG);
    await page.focus("#train");
    await enter();
    await waitForStep(page, 20);
    expect(await focused()).toBe("Train");
    await page.focus("#pause");
    await enter();
    await waitForText(page, ".run-panel", /Paused at step/);
    expect(await focused()).toBe("Resume");
    await enter();
    await waitForText(page, ".run-panel", /Training, /);
    expect(await focused()).toBe("Pause");
    await page.focus("#stop");
    await enter();
    await waitForText(page, ".run-panel", /Stopped at step/);
    expect(await focused()).toBe("Resume");
    // Which opens it again.
    await enter();
    await waitForText(page, ".run-panel", /Training, /);
    expect(await focused()).toBe("Pause");
  });

  it("stays with what writes, which a press that stops it does not begin again", async () => {
    // Large, so that it is still writing when it is stopped.
    page = await playground.open(LONG.replace("hiddenSize=16", "hiddenSize=512&numLayers=2"));
    await page.click("#train");
    await waitForStep(page, 1);
    await page.click("#pause");
    await waitForText(page, ".run-panel", /Paused/);
    await page.focus("#write");
    await enter();
    await page.waitForSelector(".stream-token");
    expect(await focused()).toBe("Stop");
    await enter();
    await page.waitForSelector("#write");
    expect(await focused()).toBe("Write");
    const written = await page.$$eval(".stream-token", (all) => all.length);
    expect(written).toBeLessThan(300);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await page.$$eval(".stream-token", (all) => all.length)).toBe(written);
    await page.keyboard.press("Tab");
    await enter();
    await page.waitForSelector("#write", { hidden: true });
    expect(await focused()).toBe("From the held-out text");
    await page.waitForSelector("#write");
    expect(await focused()).toBe("From the held-out text");
  });
});

describe("the form", () => {
  it("shows its link where the browser does not let the page copy it", async () => {
    page = await playground.open(TINY);
    // As over plain http.
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.evaluate(() => {
      document.execCommand = () => false;
    });
    await press(page, "Link to this");
    await page.waitForSelector(".copy-by-hand input");
    const selection = await page.evaluate(() => {
      const field = document.activeElement as HTMLInputElement;
      return field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0);
    });
    expect(selection).toBe(page.url());
  });

  it("knows a run's number of parameters before it starts", async () => {
    page = await playground.open(TINY);
    await finish();
    expect(await textOf(page, ".sizes")).toContain(`Parameters\n${await figure(page, "Parameters")}\n`);
  });
});

describe("a prompt", () => {
  const prompt = () => page.$eval(".prompt-form textarea", (field) => (field as HTMLTextAreaElement).value);

  it("is of the run's own text, whatever the form's is by then", async () => {
    page = await playground.open(TINY.replace("sums", "own"));
    const own = async (text: string): Promise<void> => {
      const area = ".text-input textarea";
      await page.waitForSelector(area);
      await page.$eval(
        area,
        (field, text) => {
          (field as HTMLTextAreaElement).value = text;
          field.dispatchEvent(new Event("input", { bubbles: true }));
        },
        text,
      );
    };
    await own("the sea and the ship. ".repeat(400));
    await finish();
    expect(await prompt()).toMatch(/^the sea and the ship\. /);
    await own("XYZ ".repeat(2000));
    await press(page, "From the held-out text");
    await page.waitForSelector(".truth");
    expect(await prompt()).toMatch(/sea and the ship\. the/);
    expect(await textOf(page, ".truth")).toMatch(/sea and the ship\. the/);
    expect(await textOf(page, ".completions")).not.toMatch(/XYZ/);
  });

  it("begins as a text that the model knows, and what it does not know is named", async () => {
    page = await playground.open(TINY);
    await finish();
    expect(await prompt()).toMatch(/^\d+\+\d+=/);
    expect(await page.$eval(".unknown", (note) => (note as HTMLElement).hidden)).toBe(true);
    await replaceText(page, ".prompt-form textarea", "Call 12+3");
    expect(await textOf(page, ".unknown")).toMatch(/: "C" "a" "l" " "$/);
    await press(page, "From the held-out text");
    await page.waitForSelector(".truth");
    const first = await prompt();
    expect(first).toMatch(/^\d+\+\d+=\d+\n/);
    await page.waitForSelector("#write");
    await press(page, "From the held-out text");
    await expect.poll(prompt).not.toBe(first);
  });

  it("may have lines, and a second Enter begins anew", async () => {
    // Large, so that it is still writing when the second one comes.
    page = await playground.open(LONG.replace("hiddenSize=16", "hiddenSize=512&numLayers=2"));
    await page.click("#train");
    await waitForStep(page, 1);
    await page.click("#pause");
    await waitForText(page, ".run-panel", /Paused/);
    await replaceText(page, ".prompt-form textarea", "1+2=3");
    await page.keyboard.down("Shift");
    await page.keyboard.press("Enter");
    await page.keyboard.up("Shift");
    await page.type(".prompt-form textarea", "4+5");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".stream-token");
    expect(await page.$eval(".stream .prompt", (one) => one.textContent)).toBe("1+2=3\n4+5");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#write");
    expect(await page.$$eval(".stream-token", (all) => all.length)).toBe(300);
  });
});
