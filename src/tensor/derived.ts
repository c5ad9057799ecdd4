import type { Engine } from "../engine/engine.ts";
import type { Parameter } from "./tensor.ts";

/**
 * What `fill` makes of parameters, kept beside them in `engine.infer()` for as long as they stay as they are: undefined
 * when first asked for, since making it pays only if it is read again; made when the step ends in which it was asked for
 * a second time, and there from then on. Training changes weights at every step, so there is nothing to keep.
 * @param key what it is, among all that is made of the first parameter.
 * @param floats how large it is.
 */
export function derive(
  engine: Engine,
  [owner, ...others]: readonly Parameter[],
  key: unknown,
  floats: number,
  fill: (target: number) => void,
): number | undefined {
  const entry = owner.derived.get(key);
  if (!entry) owner.derived.set(key, {});
  if (!entry || entry.pointer) return entry?.pointer;
  engine.afterStep(() => {
    // Asked for twice in a step, or the parameter changed since.
    if (entry.pointer || owner.derived.get(key) !== entry) return;
    try {
      entry.pointer = engine.allocate(floats);
    } catch {
      // Memory is short: it is made each time as before.
      return;
    }
    fill(entry.pointer);
    for (const other of others) other.derived.set(entry, entry);
  });
  return undefined;
}
