/**
 * What is made of parameters and kept beside them for as long as they stay as they are (`Parameter.changed`): weights in the
 * order that matmuls read, a table already projected. Training changes weights at every step, so that only inference
 * keeps anything.
 */
import type { Engine } from "../engine/engine.ts";
import { EngineError } from "../errors.ts";
import type { Derived, Parameter } from "./tensor.ts";

export interface Recipe {
  /** All that it is made of. */
  sources: readonly [Parameter, ...Parameter[]];
  /** What it is, among all that is made of the first of them. */
  key: unknown;
  /** How large it is. */
  floats: number;
  fill: (target: number) => void;
}

/**
 * In `engine.infer()`: where it lies, or undefined when it is first asked for, since making it pays only if it is read
 * again. It is made when the step ends in which it was asked for a second time.
 */
export function derivedLater(engine: Engine, recipe: Recipe): number | undefined {
  const { derived } = recipe.sources[0];
  const entry = derived.get(recipe.key);
  if (!entry) derived.set(recipe.key, {});
  // It may be asked for twice in a step, or forgotten until that ends.
  else if (!entry.pointer) {
    engine.afterStep(() => {
      if (!entry.pointer && derived.get(recipe.key) === entry) make(engine, recipe, entry);
    });
  }
  return entry?.pointer;
}

/** Between steps: where it lies, made if need be; 0 where memory is short. */
export function derivedNow(engine: Engine, recipe: Recipe): number {
  const { derived } = recipe.sources[0];
  const entry = derived.get(recipe.key) ?? {};
  derived.set(recipe.key, entry);
  if (!entry.pointer) make(engine, recipe, entry);
  return entry.pointer ?? 0;
}

/** Where memory is short the entry stays empty. */
function make(engine: Engine, { sources, floats, fill }: Recipe, entry: Derived): void {
  let target: number | undefined;
  try {
    target = engine.allocate(floats);
    fill(target);
  } catch (error) {
    if (target !== undefined) engine.memory.free(target);
    if (error instanceof EngineError) return;
    throw error;
  }
  entry.pointer = target;
  entry.sources = sources;
  for (const source of sources) source.dependents.add(entry);
}
