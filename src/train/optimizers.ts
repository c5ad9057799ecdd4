import { type ArgsOf, OptimizerArgs } from "../engine/layouts.ts";
import { ConfigError } from "../errors.ts";
import { elementParts } from "../tensor/split.ts";
import type { Parameter, Tensor } from "../tensor/tensor.ts";

/** @throws ConfigError unless low ≤ value ≤ high (or < high with `open`). */
export function checkRange(name: string, value: number, low: number, high: number, open = false): void {
  if (!(value >= low && (open ? value < high : value <= high))) {
    const range =
      high === Number.POSITIVE_INFINITY ? `at least ${low}` : `from ${low} to ${open ? "below " : ""}${high}`;
    throw new ConfigError(`${name} must be ${range}, got ${value}`);
  }
}

/** What every optimizer does: change parameters by their gradients, and hand out its state for a checkpoint. */
export abstract class Optimizer {
  /** Read at every step: schedules write it. */
  learningRate: number;
  /** Steps taken. */
  stepCount = 0;
  readonly parameters: readonly Parameter[];
  /** One list a slot (velocity, or first and second moment), a tensor a parameter. */
  readonly slots: Record<string, Tensor[]> = {};

  constructor(parameters: readonly Parameter[], learningRate: number, slots: readonly string[]) {
    checkRange("learningRate", learningRate, 0, Number.POSITIVE_INFINITY);
    if (parameters.length === 0) throw new ConfigError("an optimizer needs at least one parameter");
    this.parameters = parameters;
    this.learningRate = learningRate;
    parameters[0].engine.allocateAll(() => {
      for (const slot of slots) {
        this.slots[slot] = parameters.map((parameter) => parameter.engine.zeros(parameter.shape));
      }
    });
  }

  /**
   * One step over all parameters, but for those that require no gradient. `scale` multiplies every gradient: what clipping
   * by norm asks for.
   * @throws EngineError if a parameter or the optimizer was freed.
   */
  step(scale = 1): void {
    this.stepCount++;
    for (const [i, parameter] of this.parameters.entries()) {
      if (!parameter.requiresGrad) continue;
      const { engine } = parameter;
      this.update(i, {
        parameter: engine.use(parameter),
        gradient: engine.use(parameter.gradient),
        first: 0,
        second: 0,
        count: parameter.size,
        step: this.stepCount,
        decoupled: 0,
        learningRate: this.learningRate,
        momentum: 0,
        weightDecay: 0,
        beta1: 0,
        beta2: 0,
        epsilon: 0,
        scale,
      });
      parameter.changed();
    }
  }

  /** Gives the memory of its state back. */
  free(): void {
    for (const slot of Object.values(this.slots)) for (const tensor of slot) tensor.free();
  }

  /** Where a slot of a parameter lies; 0 for one that this optimizer does not have. */
  protected slot(name: string, index: number): number {
    const tensor = this.slots[name]?.[index];
    return tensor ? tensor.engine.use(tensor) : 0;
  }

  protected abstract update(index: number, common: ArgsOf<typeof OptimizerArgs>): void;
}

/** Stochastic gradient descent; with momentum µ: v = µv + g, p −= ηv, as in PyTorch. */
export class SGD extends Optimizer {
  readonly momentum: number;
  readonly weightDecay: number;

  constructor(
    parameters: readonly Parameter[],
    options: { learningRate: number; momentum?: number; weightDecay?: number },
  ) {
    const { learningRate, momentum = 0, weightDecay = 0 } = options;
    checkRange("momentum", momentum, 0, 1, true);
    checkRange("weightDecay", weightDecay, 0, Number.POSITIVE_INFINITY);
    super(parameters, learningRate, momentum > 0 ? ["momentum_buffer"] : []);
    this.momentum = momentum;
    this.weightDecay = weightDecay;
  }

  protected override update(index: number, common: ArgsOf<typeof OptimizerArgs>): void {
    const { engine } = this.parameters[index];
    const { momentum, weightDecay } = this;
    const first = this.slot("momentum_buffer", index);
    const args = engine.args(OptimizerArgs, { ...common, first, momentum, weightDecay });
    engine.run("sgdStep", elementParts(engine, common.count), args);
  }
}

/**
 * RMSProp (Hinton 2012), PyTorch's formulas: v = αv + (1 − α)g², p −= η·g/(√v + ε); with momentum µ:
 * m = µm + g/(√v + ε), p −= ηm. Not centred.
 */
export class RMSProp extends Optimizer {
  readonly alpha: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly weightDecay: number;

  constructor(
    parameters: readonly Parameter[],
    options: {
      learningRate: number;
      /** How much of the mean of squares is kept. Default 0.99. */
      alpha?: number;
      /** Default 1e-8. */
      epsilon?: number;
      momentum?: number;
      weightDecay?: number;
    },
  ) {
    const { learningRate, alpha = 0.99, epsilon = 1e-8, momentum = 0, weightDecay = 0 } = options;
    checkRange("alpha", alpha, 0, 1, true);
    checkRange("epsilon", epsilon, 0, Number.POSITIVE_INFINITY);
    checkRange("momentum", momentum, 0, 1, true);
    checkRange("weightDecay", weightDecay, 0, Number.POSITIVE_INFINITY);
    super(parameters, learningRate, momentum > 0 ? ["square_avg", "momentum_buffer"] : ["square_avg"]);
    this.alpha = alpha;
    this.epsilon = epsilon;
    this.momentum = momentum;
    this.weightDecay = weightDecay;
  }

  protected override update(index: number, common: ArgsOf<typeof OptimizerArgs>): void {
    const { engine } = this.parameters[index];
    const args = engine.args(OptimizerArgs, {
      ...common,
      first: this.slot("momentum_buffer", index),
      second: this.slot("square_avg", index),
      momentum: this.momentum,
      weightDecay: this.weightDecay,
      beta2: this.alpha,
      epsilon: this.epsilon,
    });
    engine.run("rmspropStep", elementParts(engine, common.count), args);
  }
}

export interface AdamOptions {
  learningRate: number;
  /** Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Default 1e-8. */
  epsilon?: number;
  /** Default 0: added to the gradient (Adam) or taken from the weights themselves (AdamW). */
  weightDecay?: number;
}

/** Adam (Kingma & Ba 2015), PyTorch's formulas. */
export class Adam extends Optimizer {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  protected readonly decoupled: boolean = false;

  constructor(parameters: readonly Parameter[], options: AdamOptions) {
    const { learningRate, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = options;
    checkRange("betas[0]", betas[0], 0, 1, true);
    checkRange("betas[1]", betas[1], 0, 1, true);
    checkRange("epsilon", epsilon, 0, Number.POSITIVE_INFINITY);
    checkRange("weightDecay", weightDecay, 0, Number.POSITIVE_INFINITY);
    super(parameters, learningRate, ["exp_avg", "exp_avg_sq"]);
    this.betas = betas;
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
  }

  protected override update(index: number, common: ArgsOf<typeof OptimizerArgs>): void {
    const { engine } = this.parameters[index];
    const args = engine.args(OptimizerArgs, {
      ...common,
      first: this.slot("exp_avg", index),
      second: this.slot("exp_avg_sq", index),
      decoupled: this.decoupled ? 1 : 0,
      weightDecay: this.weightDecay,
      beta1: this.betas[0],
      beta2: this.betas[1],
      epsilon: this.epsilon,
    });
    engine.run("adamStep", elementParts(engine, common.count), args);
  }
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019). Default weightDecay 0.01, as in PyTorch. */
export class AdamW extends Adam {
  protected override readonly decoupled = true;

  constructor(parameters: readonly Parameter[], options: AdamOptions) {
    super(parameters, { ...options, weightDecay: options.weightDecay ?? 0.01 });
  }
}
