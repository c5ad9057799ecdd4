import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    // Each worker compiles the kernels anew: as many as there are cores, no more.
    maxWorkers: 2,
  },
});
