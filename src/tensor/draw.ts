import type { Engine } from "../engine/engine.ts";
import { RandomArgs } from "../engine/layouts.ts";

/** What a kernel takes for one number, in nanoseconds. */
const TIMES = { randomUniform: 8, randomNormal: 40, dropoutMask: 8 };

/**
 * Fills `count` floats from `target` on with numbers from the engine's stream; `first` and `second` are as in
 * RandomArgs (assembly/random.ts).
 */
export function draw(
  engine: Engine,
  kernel: keyof typeof TIMES,
  target: number,
  count: number,
  first: number,
  second: number,
): void {
  const { memory } = engine;
  const mark = memory.mark();
  const block = 16;
  const args = engine.args(
    RandomArgs,
    { target, count, ...engine.random.take(count), first, second, scratch: engine.scratch(block) },
    block,
  );
  engine.run(kernel, engine.parts(Math.ceil(count / 4096), TIMES[kernel] * count), args);
  memory.release(mark);
}
