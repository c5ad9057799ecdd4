import { createEngine, type Engine } from "../src/engine/engine.ts";
import { supports } from "../src/engine/load.ts";
import { countCores } from "../src/engine/spawn.ts";
import { macrotask } from "../src/macrotask.ts";

const MOST_THREADS = 2;
/** How long threads may take to start, in milliseconds. */
const PATIENCE = 5000;

export interface Variant {
  numerics: "reproducible" | "fast";
  threads: number;
}

/** The builds and numbers of threads that this runtime allows, one thread first. */
export async function findVariants(): Promise<Variant[]> {
  const builds: Variant["numerics"][] = supports("relaxed") ? ["reproducible", "fast"] : ["reproducible"];
  const threads = (await allowsThreads()) ? [1, MOST_THREADS] : [1];
  return builds.flatMap((numerics) => threads.map((count) => ({ numerics, threads: count })));
}

async function allowsThreads(): Promise<boolean> {
  if ((await countCores()) < MOST_THREADS) return false;
  const engine = await createEngine({ threads: MOST_THREADS });
  try {
    return await startThreads(engine, MOST_THREADS);
  } finally {
    engine.close();
  }
}

/** An engine all of whose threads are there. @throws Error if they don't come. */
export async function createReadyEngine({ numerics, threads }: Variant): Promise<Engine> {
  const engine = await createEngine({ numerics, threads });
  if (threads === 1 || (await startThreads(engine, threads))) return engine;
  engine.close();
  throw new Error(`only ${engine.threads} of ${threads} threads started within ${PATIENCE / 1000} s`);
}

/** Starts them now: otherwise they would come while times are taken. */
async function startThreads(engine: Engine, threads: number): Promise<boolean> {
  engine.pool?.start();
  const end = performance.now() + PATIENCE;
  while (engine.pool && engine.threads < threads && performance.now() < end) await macrotask();
  return engine.threads === threads;
}
