import v8 from "node:v8";
import { describe } from "vitest";
import { createEngine, type Engine, type EngineOptions } from "../../src/engine/engine.ts";
import { type Build, supports } from "../../src/engine/load.ts";

/** Makes an engine that runs one certain build. */
export type CreateEngine = (options?: Omit<EngineOptions, "numerics">) => Promise<Engine>;

/**
 * Runs `body` in a `describe` for the simd build and in one for the relaxed build. A Node in which one of them does
 * not load fails its tests, instead of testing the other build twice; not every browser has relaxed SIMD.
 */
export function forEachBuild(body: (build: Build, create: CreateEngine) => void): void {
  // Node 20 has relaxed SIMD behind a flag; later ones have it without, and do not know the flag.
  if (!supports("relaxed")) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  for (const build of ["simd", "relaxed"] as const) {
    const numerics = build === "simd" ? "reproducible" : "fast";
    const isMissing = !supports(build) && typeof document === "object";
    describe.skipIf(isMissing)(`${build} build`, () => {
      body(build, async (options) => {
        const engine = await createEngine({ ...options, numerics });
        if (engine.build !== build) throw new Error(`expected the ${build} build, got ${engine.build}`);
        return engine;
      });
    });
  }
}
