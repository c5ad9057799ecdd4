import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { createEngine, type Engine } from "../src/engine/engine.ts";
import { supports } from "../src/engine/load.ts";

/** An engine for each build that this runtime can load, and one of the fastest build on two threads. */
export async function createEngines(): Promise<Engine[]> {
  // Node 20 has relaxed SIMD behind a flag, which newer versions, that need none, do not know.
  if (!supports("relaxed")) setFlagsFromString("--experimental-wasm-relaxed-simd");
  const engines = [await createEngine({ numerics: "reproducible", threads: 1 })];
  if (supports("relaxed")) engines.push(await createEngine({ numerics: "fast", threads: 1 }));
  if (availableParallelism() > 1) engines.push(await createEngine({ numerics: "fast", threads: 2 }));
  return engines;
}
