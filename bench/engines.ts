import { createEngine, type Engine } from "../src/engine/engine.ts";
import { supports } from "../src/engine/load.ts";
import { countCores } from "../src/engine/spawn.ts";
import { ConfigError } from "../src/errors.ts";
import { macrotask } from "../src/macrotask.ts";

const MOST_THREADS = 2;
/** How long threads may take to start, in milliseconds. */
const PATIENCE = 5000;

export interface Variant {
  numerics: "reproducible" | "fast";
  wide?: boolean;
  threads: number;
}

/**
 * The builds and numbers of threads that this runtime allows, one thread first. With `wide` that build alone: the flag
 * that makes it wide holds for all that is compiled in the process, and would change the other builds.
 * @throws ConfigError if `wide` is not to be had.
 */
export async function findVariants(wide: boolean): Promise<Variant[]> {
  if (wide) await checkWide();
  const fast: Omit<Variant, "threads"> = { numerics: "fast", wide };
  const builds = wide || !supports("relaxed") ? [] : [fast];
  const slow: Omit<Variant, "threads"> = wide ? fast : { numerics: "reproducible" };
  const threads = (await allowsThreads()) ? [1, MOST_THREADS] : [1];
  return [slow, ...builds].flatMap((build) => threads.map((count) => ({ ...build, threads: count })));
}

async function checkWide(): Promise<void> {
  const engine = await createEngine({ wide: true, threads: 1 });
  engine.close();
  if (engine.narrow) throw new ConfigError(`there is no wide build here: ${engine.narrow}`);
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
export async function createReadyEngine({ numerics, wide, threads }: Variant): Promise<Engine> {
  const engine = await createEngine({ numerics, wide, threads });
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
