import type { Engine } from "../engine/engine.ts";
import { checkDimensions } from "../tensor/check.ts";
import { checkProbability, dropout } from "../tensor/dropout.ts";
import { embedding } from "../tensor/embedding.ts";
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
