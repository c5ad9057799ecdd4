import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // As in tsconfig.json: the examples import the library by its name.
  resolve: {
    alias: [
      { find: /^unrolled$/, replacement: here("src/index.ts") },
      { find: /^unrolled\/plot$/, replacement: here("src/plot/line-chart.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/helpers/property-seed.ts"],
    provide: { propertySeed: Number(process.env.FUZZ_SEED ?? 1851) },
    exclude: ["**/node_modules/**", "test/browser/in-page/**", "test/package/**"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A machine with other work to do may miss a moment; what is broken fails twice.
    retry: process.env.CI ? 1 : 0,
    // Each worker compiles the kernels anew: as many as there are cores, no more.
    maxWorkers: 2,
  },
});
