/** Runs over their life: begun, told apart, adjusted, kept, removed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  figure,
  type Page,
  type Playground,
  press,
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
  await empty.evaluate(() => indexedDB.deleteDatabase("unrolled"));
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

async function finish(): Promise<void> {
  await page.click("#train");
  await waitForText(page, ".run-panel", /Finished/);
}

describe("a run that is removed", () => {
  it("while it is being prepared stays away, and its worker ends", async () => {
    page = await playground.open(LONG.replace("sums", "moby-dick&tokenizer=bpe"));
    await page.click("#train");
    await waitForText(page, ".run-tab", /preparing/);
    await page.click(".run-tab .icon-button");
    await page.waitForSelector(".empty");
    await expect.poll(() => page.workers().length, { timeout: 30_000 }).toBe(0);
    await expect.poll(kept).toEqual([]);
  });
});
