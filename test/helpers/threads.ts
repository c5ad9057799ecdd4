import type { Engine } from "../../src/engine/engine.ts";

/** Lets all of an engine's threads start and waits until they have joined; even the smallest work is split then. */
export async function startThreads(engine: Engine): Promise<void> {
  engine.smallestPart = 0;
  engine.pool?.start();
  const size = engine.pool?.size ?? 1;
  for (let i = 0; engine.threads < size; i++) {
    if (i > 3000) throw new Error(`only ${engine.threads} of ${size} threads joined`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
