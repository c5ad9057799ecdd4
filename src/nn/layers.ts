import type { Engine } from "../engine/engine.ts";
import { ConfigError } from "../errors.ts";
import { checkDimensions } from "../tensor/check.ts";
import { checkProbability, dropout } from "../tensor/dropout.ts";
import { embedding, Lookup } from "../tensor/embedding.ts";
import { layerNorm } from "../tensor/layer-norm.ts";
import { linear } from "../tensor/matmul.ts";
import { Parameter, type Tensor } from "../tensor/tensor.ts";
import { normal, uniform } from "./init.ts";
import { Module } from "./module.ts";
import { checkSize } from "./options.ts";

/** A table of vectors: ids […] → […, embeddingSize]. Weights start from N(0, 1), as in PyTorch. */
export class Embedding extends Module {
  /** [vocabSize, embeddingSize] */
  readonly weight: Parameter;

  constructor(engine: Engine, options: { vocabSize: number; embeddingSize: number }) {
    super();
    const { vocabSize, embeddingSize } = options;
    checkSize("vocabSize", vocabSize);
    checkSize("embeddingSize", embeddingSize);
    this.weight = new Parameter(engine, [vocabSize, embeddingSize], "embedding weight");
    normal(this.weight, 0, 1);
  }

  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids);
  }

  /**
   * The same vectors, named instead of made, for a recurrent layer that reads them as they are: it projects each of a
   * small table's rows once, instead of once for each token. ids [T, B].
   */
  lookup(ids: Tensor): Lookup {
    return new Lookup(this.weight, ids);
  }
}

/** y = x·weightᵀ + bias: […, inputSize] → […, outputSize]. Starts uniform in ±1/√inputSize, as in PyTorch. */
export class Linear extends Module {
  /** [outputSize, inputSize]; may be shared with another module's parameter of that shape. */
  readonly weight: Parameter;
  /** [outputSize] */
  readonly bias?: Parameter;

  constructor(
    engine: Engine,
    options: { inputSize: number; outputSize: number; bias?: boolean; weight?: Parameter },
  ) {
    super();
    const { inputSize, outputSize, bias = true, weight } = options;
    checkSize("inputSize", inputSize);
    checkSize("outputSize", outputSize);
    if (weight) checkDimensions("Linear, shared weight", weight, [outputSize, inputSize]);
    const bound = 1 / Math.sqrt(inputSize);
    this.weight = weight ?? new Parameter(engine, [outputSize, inputSize], "linear weight");
    if (!weight) uniform(this.weight, -bound, bound);
    if (bias) {
      this.bias = new Parameter(engine, [outputSize], "linear bias");
      uniform(this.bias, -bound, bound);
    }
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

/**
 * Layer normalisation of the last dimension (Ba et al. 2016): […, size] → […, size]. The weight starts at 1, the bias
 * at 0, as in PyTorch.
 */
export class LayerNorm extends Module {
  /** [size] */
  readonly weight: Parameter;
  /** [size] */
  readonly bias?: Parameter;
  readonly eps: number;

  /** `eps` is added to the variance. Default 1e-5. */
  constructor(engine: Engine, options: { size: number; eps?: number; bias?: boolean }) {
    super();
    const { size, eps = 1e-5, bias = true } = options;
    checkSize("size", size);
    if (!(eps >= 0 && eps < Number.POSITIVE_INFINITY)) {
      throw new ConfigError(`eps must be a number from 0, got ${eps}`);
    }
    this.eps = eps;
    this.weight = new Parameter(engine, [size], "layer norm weight");
    this.weight.set(new Float32Array(size).fill(1));
    if (bias) this.bias = new Parameter(engine, [size], "layer norm bias");
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, { epsilon: this.eps });
  }
}

/** Dropout with probability p in training mode, nothing in eval mode. */
export class Dropout extends Module {
  readonly p: number;

  constructor(p: number) {
    super();
    checkProbability("dropout", p);
    this.p = p;
  }

  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.p) : x;
  }
}
