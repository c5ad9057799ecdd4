import { Parameter } from "../tensor/tensor.ts";

/**
 * The base of layers and models, as in PyTorch: a class with parameters and other modules as properties, and a
 * `forward` of its own. Names come from the properties: a parameter `weight` of the module in property `decoder` is
 * `decoder.weight`.
 */
export abstract class Module {
  /** Whether dropout is active; set by train() and eval(). A new module is in training mode. */
  training = true;

  /** Every parameter once, with its dotted name, in the order of the properties. */
  *namedParameters(): Generator<[string, Parameter]> {
    const seen = new Set<Parameter>();
    for (const [name, parameter] of this.parameterNames()) {
      if (!seen.has(parameter)) yield [name, parameter];
      seen.add(parameter);
    }
  }

  /** As namedParameters(), but a shared parameter under each of its names. */
  *parameterNames(prefix = ""): Generator<[string, Parameter]> {
    for (const [name, value] of this.members()) {
      if (value instanceof Module) yield* value.parameterNames(`${prefix}${name}.`);
      else if (value instanceof Parameter) yield [prefix + name, value];
    }
  }

  /** This module as "", and every module inside with its dotted name. */
  *namedModules(name = ""): Generator<[string, Module]> {
    yield [name, this];
    for (const [key, value] of this.members()) {
      if (value instanceof Module) yield* value.namedModules(name === "" ? key : `${name}.${key}`);
    }
  }

  /** Every parameter once, in the order of the properties. */
  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter);
  }

  /** The number of trainable numbers. */
  get parameterCount(): number {
    return this.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
  }

  /** Sets the mode of this module and of all inside: with `training`, dropout is active. */
  train(training = true): this {
    this.training = training;
    for (const [, value] of this.members()) if (value instanceof Module) value.train(training);
    return this;
  }

  /** As `train(false)`: for evaluation and inference. */
  eval(): this {
    return this.train(false);
  }

  /** Sets all gradients to 0: backward() adds to them. */
  zeroGradients(): void {
    for (const parameter of this.parameters()) parameter.zeroGradient();
  }

  /** Gives the memory of all parameters back. */
  free(): void {
    for (const parameter of this.parameters()) parameter.free();
  }

  /**
   * Parameters and modules by name: the properties, and the elements of those that are arrays. A class that keeps some
   * elsewhere (in private fields, Maps, arrays of arrays) overrides it, and adds to what `super.members()` yields.
   */
  protected *members(): Generator<[string, unknown]> {
    for (const [name, value] of Object.entries(this)) {
      if (Array.isArray(value)) yield* value.map((item, i): [string, unknown] => [`${name}.${i}`, item]);
      else yield [name, value];
    }
  }
}
