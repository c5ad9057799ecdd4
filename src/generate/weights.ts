import { FormatError } from "../errors.ts";
import { type SafeTensor, toFloat32 } from "../formats/safetensors.ts";
import type { CompleteConfig } from "../models/config.ts";
import { differ, problemOf } from "../nn/state-dict.ts";

/** The weights of one recurrent layer, as PyTorch lays them out; G gates. */
export interface LayerWeights {
  /** [G·H, I] */
  weightIh: Float32Array;
  /** [G·H, P] */
  weightHh: Float32Array;
  /** [G·H] */
  biasIh: Float32Array;
  biasHh: Float32Array;
  /** LSTM with a projection: [P, H]. */
  weightHr?: Float32Array;
}

export interface Weights {
  /** [V, E] */
  embedding: Float32Array;
  layers: LayerWeights[];
  /** [V, P]; the embedding itself, where the two are tied. */
  decoder: Float32Array;
  /** [V] */
  bias: Float32Array;
}

/**
 * A language model's weights out of a file's tensors.
 * @throws FormatError naming every tensor that is missing, left over, of another shape or of another type.
 */
export function takeWeights(
  config: CompleteConfig,
  gates: number,
  stateSize: number,
  tensors: ReadonlyMap<string, SafeTensor>,
): Weights {
  const { vocabSize, embeddingSize, hiddenSize, numLayers, tieWeights, projSize } = config;
  const problems: string[] = [];
  const left = new Set(tensors.keys());
  const take = (name: string, ...shape: number[]): Float32Array => {
    const tensor = tensors.get(name);
    left.delete(name);
    const problem = tensor ? problemOf(tensor, shape) : "is missing";
    if (problem) problems.push(`${name} ${problem}`);
    return problem ? new Float32Array() : toFloat32(tensor!);
  };

  const embedding = take("embedding.weight", vocabSize, embeddingSize);
  const layers = Array.from({ length: numLayers }, (_, layer): LayerWeights => {
    const rows = gates * hiddenSize;
    return {
      weightIh: take(`rnn.weight_ih_l${layer}`, rows, layer === 0 ? embeddingSize : stateSize),
      weightHh: take(`rnn.weight_hh_l${layer}`, rows, stateSize),
      biasIh: take(`rnn.bias_ih_l${layer}`, rows),
      biasHh: take(`rnn.bias_hh_l${layer}`, rows),
      weightHr: projSize ? take(`rnn.weight_hr_l${layer}`, projSize, hiddenSize) : undefined,
    };
  });
  // A file may hold what is tied under both names, as PyTorch writes it.
  const isTied = tieWeights && !tensors.has("decoder.weight");
  const decoder = isTied ? embedding : take("decoder.weight", vocabSize, stateSize);
  if (tieWeights && differ(decoder, embedding)) {
    problems.push("decoder.weight differs from embedding.weight, with which it is one parameter");
  }
  const bias = take("decoder.bias", vocabSize);
  for (const name of left) problems.push(`${name} is left over`);
  if (problems.length > 0) throw new FormatError(`weights do not fit the model: ${problems.join("; ")}`);
  return { embedding, layers, decoder, bias };
}
