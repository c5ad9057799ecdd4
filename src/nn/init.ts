import type { Engine } from "../engine/engine.ts";
import type { Parameter } from "../tensor/tensor.ts";

/** Fills with numbers from the engine's stream, uniform in [low, high). */
export function uniform(parameter: Parameter, low: number, high: number): void {
  draw(parameter, "randomUniform", low, high);
}

/** Fills with numbers from the engine's stream, normally distributed. */
export function normal(parameter: Parameter, mean: number, deviation: number): void {
  draw(parameter, "randomNormal", mean, deviation);
}

function draw(
  parameter: Parameter,
  kernel: "randomUniform" | "randomNormal",
  first: number,
  second: number,
): void {
  const engine: Engine = parameter.engine;
  const scratch = engine.memory.allocate(16);
  const args = engine.args("RandomArgs", {
    target: parameter.pointer,
    count: parameter.size,
    ...engine.random.take(parameter.size),
    first,
    second,
    scratch,
  });
  engine.run(1, (part, parts) => engine.kernels[kernel](args, part, parts));
  engine.memory.free(scratch);
}
