import { EngineError } from "../errors.ts";
import type { Tensor } from "./tensor.ts";

interface Entry {
  outputs: readonly Tensor[];
  backward: () => void;
}

/**
 * What a step computed, in order. Each entry is one coarse operation and knows how to pass the gradient of its
 * outputs on to its inputs; walking the list from its end visits every operation after all of its users.
 */
export class Tape {
  readonly #entries: Entry[] = [];
  #ran = false;

  record(outputs: readonly Tensor[], backward: () => void): void {
    this.#entries.push({ outputs, backward });
  }

  /**
   * Runs every entry that a gradient has reached. Once: operations may overwrite what they saved.
   * @throws EngineError the second time.
   */
  backward(): void {
    if (this.#ran) {
      throw new EngineError("backward() was called twice in one step: add the losses up and call it once");
    }
    this.#ran = true;
    for (let entry = this.#entries.pop(); entry; entry = this.#entries.pop()) {
      if (entry.outputs.some((output) => output.hasGradient)) entry.backward();
    }
  }
}

/**
 * Marks `outputs` as depending on `inputs` and records how to go back, if a tape runs and any input needs it.
 */
export function record(
  outputs: readonly Tensor[],
  inputs: readonly (Tensor | undefined)[],
  backward: () => void,
): void {
  const tape = outputs[0].engine.tape;
  if (!tape || !inputs.some((input) => input?.requiresGrad)) return;
  for (const output of outputs) output.requiresGrad = true;
  tape.record(outputs, backward);
}
