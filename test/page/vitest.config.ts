/** The playground, driven as a person would: `npm run test:page`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/page/**/*.browser.ts"],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // A browser that shares a loaded machine may miss a moment; what is broken fails twice.
    retry: process.env.CI ? 1 : 0,
    // They share two cores with the browsers that they drive.
    maxWorkers: 1,
  },
});
