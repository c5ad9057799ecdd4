/** Runs vitest's browser mode in the browsers of browsers.ts. */
import { defineBrowserProvider } from "@vitest/browser";
import type { BrowserProvider, TestProject } from "vitest/node";
import { BROWSERS, type Browser, type BrowserName, launch } from "./browsers.ts";

export const provider = () =>
  defineBrowserProvider({
    name: "unrolled",
    supportedBrowser: BROWSERS,
    providerFactory: (project) => createProvider(project),
  });

function createProvider(project: TestProject): BrowserProvider {
  const name = project.config.browser.name as BrowserName;
  let started: Promise<Browser> | undefined;
  const start = async (): Promise<Browser> => {
    const args = name === "chromium" ? ["--js-flags=--expose-gc"] : [];
    const browser = await launch(name, { args });
    if ("missing" in browser) throw new Error(browser.missing);
    project.vitest.logger.log(`${name}: ${browser.version}`);
    return browser;
  };
  return {
    name: "unrolled",
    supportsParallelism: false,
    getCommandsContext: () => ({}),
    async openPage(_session, url) {
      started ??= start();
      await (await started).open(url);
    },
    async close() {
      await (await started)?.close();
    },
  };
}
