import type { Engine } from "../engine/engine.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** In a step: keeps what it carries to the next one, in place of what was carried to it, which ends with it. */
export function carry(engine: Engine, before: readonly Tensor[], next: readonly Tensor[] = []): Tensor[] {
  const left = before.slice(next.length);
  engine.afterStep(() => drop(left));
  return next.map((tensor, i) => engine.keep(tensor, before[i]));
}

/** Gives the memory of what was carried back. */
export function drop(carried: readonly Tensor[]): void {
  for (const tensor of carried) tensor.free();
}
