/*
 * Language models to and from PyTorch: the state dict of a module with nn.Embedding, nn.RNN, nn.LSTM or nn.GRU, and
 * nn.Linear. A state dict says nothing of its modules, so that what it is is read off the names and shapes.
 */
import type { Engine } from "../engine/engine.ts";
import { ConfigError, FormatError } from "../errors.ts";
import { float32ToBFloat16, float32ToFloat16 } from "../formats/half.ts";
import type { SafeTensor } from "../formats/safetensors.ts";
import { GATES } from "../tensor/recurrent.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { buildModel } from "./build-model.ts";
import { type CompleteConfig, KINDS } from "./config.ts";
import type { LanguageModel, LanguageModelConfig } from "./language-model.ts";

/** How the parts of the PyTorch module are called: `rnn` in `rnn.weight_ih_l0`. */
export interface PartNames {
  /** Default "embedding". */
  embedding?: string;
  /** Default "rnn". */
  rnn?: string;
  /** Default "decoder". */
  decoder?: string;
}

type Tensors = Map<string, SafeTensor>;

/**
 * A model from the state dict of a PyTorch module of an embedding, recurrent layers in one direction and a linear
 * layer. Cell, sizes and the number of layers come from the shapes: a W_hh of 1, 3 or 4 times as many rows as units is
 * an Elman network (taken for one with tanh), a GRU or an LSTM. Where the layers or the decoder have no biases at
 * all they become zeros; a decoder without a weight of its own, or with the embedding's numbers, shares the
 * embedding's.
 * @param tensors F32, F16 or BF16.
 * @param tokenizer what turns text into the embedding's ids.
 * @returns the model, in evaluation mode as from `loadLanguageModel`, and the names of the biases that became zeros.
 * @throws FormatError naming every tensor that is missing, left over, of another shape or of another type.
 */
export function fromPyTorch(
  engine: Engine,
  tensors: ReadonlyMap<string, SafeTensor>,
  tokenizer?: Tokenizer,
  names: PartNames = {},
): { model: LanguageModel; filled: string[] } {
  const renamed = rename(tensors, names);
  const config = readConfig(renamed);
  if (tokenizer && tokenizer.vocabSize !== config.vocabSize) {
    throw new FormatError(
      `the embedding has ${config.vocabSize} vectors, but the tokenizer has ${tokenizer.vocabSize} tokens`,
    );
  }
  const filled = fillIn(renamed, config);
  return { model: buildModel(engine, config, tokenizer, renamed), filled };
}

/**
 * What a PyTorch module's `load_state_dict` takes; weights that two layers share come under both names.
 * @throws FormatError if a weight is beyond what the dtype can hold.
 */
export function toPyTorch(
  model: LanguageModel,
  dtype: "F32" | "F16" | "BF16" = "F32",
): Map<string, SafeTensor> {
  if (!["F32", "F16", "BF16"].includes(dtype)) {
    throw new ConfigError(`dtype must be F32, F16 or BF16, got ${JSON.stringify(dtype)}`);
  }
  const tensors: Tensors = new Map();
  for (const [name, parameter] of model.parameterNames()) {
    const { shape } = parameter;
    const values = parameter.toArray() as Float32Array;
    if (dtype === "F32") {
      tensors.set(name, { dtype, shape, data: values });
      continue;
    }
    const halves = dtype === "F16" ? float32ToFloat16(values) : float32ToBFloat16(values);
    const overflow = values.find(
      (value, i) => Number.isFinite(value) && (halves[i] & 0x7fff) === INFINITY[dtype],
    );
    if (overflow !== undefined) {
      throw new FormatError(`${name}: the number ${overflow} is beyond what ${dtype} can hold`);
    }
    tensors.set(name, { dtype, shape, data: new Uint8Array(halves.buffer) });
  }
  return tensors;
}

const INFINITY = { F16: 0x7c00, BF16: 0x7f80 };

/** The tensors under this library's names. @throws FormatError if two get the same. */
function rename(tensors: ReadonlyMap<string, SafeTensor>, names: PartNames): Tensors {
  const { embedding = "embedding", rnn = "rnn", decoder = "decoder" } = names;
  const parts = Object.entries({ embedding, rnn, decoder });
  const renamed: Tensors = new Map();
  for (const [name, tensor] of tensors) {
    const part = parts.find(([, theirs]) => name.startsWith(`${theirs}.`));
    const ours = part ? part[0] + name.slice(part[1].length) : name;
    if (renamed.has(ours)) throw new FormatError(`two tensors would be ${ours}; one of them is ${name}`);
    renamed.set(ours, tensor);
  }
  return renamed;
}

const CELLS = Object.keys(KINDS) as CompleteConfig["cell"][];

function readConfig(tensors: ReadonlyMap<string, SafeTensor>): LanguageModelConfig {
  const table = tensors.has("embedding.weight") ? "embedding.weight" : "decoder.weight";
  checkPresent(tensors, ["rnn.weight_hh_l0", table]);
  const matrix = (name: string): readonly number[] => {
    const shape = tensors.get(name)?.shape ?? [];
    if (shape.length === 2 && !shape.includes(0)) return shape;
    throw new FormatError(`${name} has the shape [${shape}], expected a matrix`);
  };
  if (tensors.has("rnn.weight_ih_l0_reverse")) {
    throw new FormatError("the layers read in both directions, and so cannot predict the next token");
  }
  const [rows, stateSize] = matrix("rnn.weight_hh_l0");
  const projection = tensors.has("rnn.weight_hr_l0") ? matrix("rnn.weight_hr_l0") : undefined;
  const hiddenSize = projection ? projection[1] : stateSize;
  const cell = CELLS.find((cell) => rows === GATES[KINDS[cell]] * hiddenSize);
  if (!cell) {
    throw new FormatError(
      `rnn.weight_hh_l0 has ${rows} rows for ${hiddenSize} units, expected 1 (rnn), 3 (gru) or 4 (lstm) times as many`,
    );
  }
  const [vocabSize, embeddingSize] = matrix(table);
  const inputSize = tensors.get("rnn.weight_ih_l0")?.shape[1] ?? embeddingSize;
  // Weights can only be shared where the layers give as many numbers as they take.
  if (embeddingSize !== stateSize || inputSize !== stateSize) {
    checkPresent(tensors, ["embedding.weight", "decoder.weight"]);
  }
  let numLayers = 1;
  while (tensors.has(`rnn.weight_hh_l${numLayers}`)) numLayers++;
  return {
    ...{ cell, vocabSize, embeddingSize, hiddenSize, numLayers },
    tieWeights: isTied(tensors),
    ...(projection && { projSize: stateSize }),
  };
}

/** Those that say what the model is: without them it cannot be told what else is missing. */
function checkPresent(tensors: ReadonlyMap<string, SafeTensor>, names: readonly string[]): void {
  const missing = names.filter((name) => !tensors.has(name));
  if (missing.length === 0) return;
  throw new FormatError(
    `no ${missing.join(", no ")} among ${list([...tensors.keys()])}: if the module's parts are called otherwise than ` +
      "embedding, rnn and decoder, their names are needed",
  );
}

function isTied(tensors: ReadonlyMap<string, SafeTensor>): boolean {
  const [embedding, decoder] = [tensors.get("embedding.weight"), tensors.get("decoder.weight")];
  if (!embedding || !decoder) return true;
  if (embedding.dtype !== decoder.dtype || embedding.shape.join() !== decoder.shape.join()) return false;
  const { data } = decoder;
  return embedding.data.every((value, i) => Object.is(value, data[i]));
}

/** Biases of zeros where a part has none at all: PyTorch's `bias=False`. */
function fillIn(
  tensors: Tensors,
  { cell = "lstm", vocabSize, hiddenSize, numLayers = 1 }: LanguageModelConfig,
): string[] {
  const filled: string[] = [];
  const zeros = (name: string, size: number): void => {
    tensors.set(name, { dtype: "F32", shape: [size], data: new Float32Array(size) });
    filled.push(name);
  };
  if (![...tensors.keys()].some((name) => name.startsWith("rnn.bias_"))) {
    for (let layer = 0; layer < numLayers; layer++) {
      for (const kind of ["ih", "hh"]) zeros(`rnn.bias_${kind}_l${layer}`, GATES[KINDS[cell]] * hiddenSize);
    }
  }
  if (!tensors.has("decoder.bias")) zeros("decoder.bias", vocabSize);
  return filled;
}

/** Names for a message, cut where there are many. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(", ") || "no tensors";
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}
