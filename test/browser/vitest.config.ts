/** The library's tests in every browser that is found: `npm run test:browsers`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BROWSERS, type BrowserName, findBrowser } from "./find.ts";
import { provider } from "./provider.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What starts processes, reads packages or compiles; threads have a test of their own in in-page/. */
const NODE_ONLY = [
  "test/{cli,examples,package,page}/**",
  "test/browser/*.test.ts",
  "test/{exports,readme}.test.ts",
  "test/assembly/{layouts,micro-kernel}.test.ts",
  "test/engine/threads.test.ts",
  "test/formats/gpt2-vocabulary.test.ts",
  "test/models/fetch-model-file.test.ts",
  "test/plot/text-chart.test.ts",
];

const instances: { browser: BrowserName }[] = [];
for (const browser of BROWSERS) {
  const found = await findBrowser(browser);
  if ("path" in found) instances.push({ browser });
  else if (process.env.CI) throw new Error(found.missing);
  else console.log(`${browser} is left out: ${found.missing}`);
}
if (instances.length === 0) throw new Error("no browser was found to run the tests in");

export default defineConfig({
  root: here("../.."),
  server: {
    headers: {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    },
  },
  resolve: {
    alias: [
      { find: /^node:fs$/, replacement: here("node/fs.ts") },
      { find: /^node:v8$/, replacement: here("node/v8.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/helpers/property-seed.ts", "test/browser/collect-garbage.ts"],
    provide: { propertySeed: Number(process.env.FUZZ_SEED ?? 1851) },
    exclude: ["**/node_modules/**", ...NODE_ONLY],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // As on the pages of test/page: a browser that shares a loaded machine may miss a moment; what is broken fails twice.
    retry: process.env.CI ? 1 : 0,
    // A page a file: what one file leaves goes with its page (collect-garbage.ts).
    isolate: true,
    browser: {
      enabled: true,
      provider: provider(),
      instances,
      screenshotFailures: false,
      connectTimeout: 300_000,
    },
  },
});
