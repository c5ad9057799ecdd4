import { readFileSync } from "node:fs";
import v8 from "node:v8";
import { describe } from "vitest";
import { createEngine, type Engine, type EngineOptions } from "../../src/engine/engine.ts";
import { type Build, supports } from "../../src/engine/load.ts";

/** Makes an engine that runs one certain build. */
export type CreateEngine = (options?: Omit<EngineOptions, "numerics" | "wide">) => Promise<Engine>;

const OPTIONS = {
  simd: { numerics: "reproducible" },
  relaxed: { numerics: "fast" },
  wide: { numerics: "fast", wide: true },
} as const satisfies Record<Build, EngineOptions>;

/** The wide build runs from Node 24 on, where x86 processors have vectors of 256 bits. */
export const HAS_WIDE =
  typeof document === "undefined" &&
  process.arch === "x64" &&
  Number.parseInt(process.versions.v8, 10) >= 13 &&
  (process.platform !== "linux" || / avx2 /.test(readFileSync("/proc/cpuinfo", "utf8")));

/**
 * Runs `body` in a `describe` for each build: simd, relaxed and, where this Node has it, wide. A Node in which one of
 * them does not load fails its tests, instead of testing another build twice; not every browser has relaxed SIMD.
 */
export function forEachBuild(body: (build: Build, create: CreateEngine) => void): void {
  // Node 20 has relaxed SIMD behind a flag; later ones have it without, and do not know the flag.
  if (!supports("relaxed")) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  const builds: Build[] = HAS_WIDE ? ["simd", "relaxed", "wide"] : ["simd", "relaxed"];
  for (const build of builds) {
    const isMissing = !supports(build) && typeof document === "object";
    describe.skipIf(isMissing)(`${build} build`, () => {
      body(build, async (options) => {
        const engine = await createEngine({ ...options, ...OPTIONS[build] });
        if (engine.build !== build) {
          throw new Error(`expected the ${build} build, got ${engine.build}: ${engine.narrow ?? ""}`);
        }
        return engine;
      });
    });
  }
}
