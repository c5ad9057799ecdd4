import type { Kernels } from "../engine/kernels.ts";
import { LARGEST_ARGS } from "../engine/layouts.ts";
import { compile, HEAP_BASE } from "../engine/load.ts";
import { Runner } from "../engine/runner.ts";
import { ConfigError, FormatError } from "../errors.ts";
import { type CompleteConfig, completeConfig, KINDS } from "../models/config.ts";
import { readModelFile } from "../models/read-model-file.ts";
import { GATES } from "../tensor/recurrent.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { takeWeights, type Weights } from "./weights.ts";

/** The `infer` build, compressed: the package's bundles carry it inside (scripts/build.mjs). */
declare const UNROLLED_INFER: string | undefined;
const INLINED = typeof UNROLLED_INFER === "string" ? UNROLLED_INFER : undefined;

/** The states of all layers after some text, one behind the other. */
export interface State {
  /** [numLayers, P] */
  readonly h: Float32Array;
  /** LSTM: [numLayers, H]. */
  readonly c: Float32Array;
}

/** Where a layer's weights lie. */
interface Layer {
  inputSize: number;
  weightIh: number;
  weightHh: number;
  weightHr: number;
  /** b_ih + b_hh; a GRU's b_hn stands inside r⊙(…), and stays apart. */
  bias: number;
  candidateBias: number;
}

/**
 * Reads a file that `saveLanguageModel` or the command line wrote, for generation alone. The memory that the model
 * takes goes when nothing refers to it any more.
 * @param options.maximumMemory the most linear memory to use, in bytes. Default: 4 GiB.
 * @throws FormatError saying what is wrong with the file; EngineError where WebAssembly SIMD is missing, or memory.
 */
export async function loadModel(
  bytes: Uint8Array,
  { maximumMemory = 0x100000000 }: { maximumMemory?: number } = {},
): Promise<InferenceModel> {
  const file = readModelFile(bytes);
  const { tokenizer } = file;
  let complete: ReturnType<typeof completeConfig>;
  try {
    complete = completeConfig(file.config, tokenizer?.vocabSize);
  } catch (error) {
    if (error instanceof ConfigError) throw new FormatError(`config: ${error.message}`, { cause: error });
    throw error;
  }
  const { config, stateSize } = complete;
  const weights = takeWeights(config, GATES[KINDS[config.cell]], stateSize, file.weights);
  const { module, memory } = await compile("infer", INLINED, maximumMemory);
  // Not through the loader, which would be a tenth of the bundle: the kernels take numbers, and need none of its help.
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const runner = new Runner(exports as unknown as Kernels, memory, HEAP_BASE, LARGEST_ARGS);
  return new InferenceModel(runner, config, stateSize, weights, tokenizer);
}

/**
 * A language model that reads text and says what may come next: the forward pass of `LanguageModel` for one text at a
 * time, straight on the kernels, without tensors and training. See {@link loadModel}; not for `new`.
 */
export class InferenceModel {
  readonly config: Readonly<CompleteConfig>;
  readonly tokenizer: Tokenizer | undefined;
  /** @internal */
  readonly runner: Runner;
  readonly #stateSize: number;
  readonly #embedding: number;
  readonly #layers: Layer[];
  readonly #decoder: number;
  readonly #decoderBias: number;

  constructor(
    runner: Runner,
    config: CompleteConfig,
    stateSize: number,
    weights: Weights,
    tokenizer: Tokenizer | undefined,
  ) {
    this.runner = runner;
    this.config = config;
    this.tokenizer = tokenizer;
    this.#stateSize = stateSize;
    const { memory } = runner;
    const place = (data: Float32Array | undefined): number => {
      if (!data) return 0;
      const pointer = memory.allocate(data.byteLength);
      memory.f32.set(data, pointer >>> 2);
      return pointer;
    };
    this.#embedding = place(weights.embedding);
    this.#layers = weights.layers.map(({ weightIh, weightHh, weightHr, biasIh, biasHh }, layer) => {
      const isGru = config.cell === "gru";
      const shared = isGru ? 2 * config.hiddenSize : biasIh.length;
      return {
        inputSize: layer === 0 ? config.embeddingSize : stateSize,
        weightIh: place(weightIh),
        weightHh: place(weightHh),
        weightHr: place(weightHr),
        bias: place(biasIh.map((value, i) => (i < shared ? value + biasHh[i] : value))),
        candidateBias: isGru ? place(biasHh.subarray(shared)) : 0,
      };
    });
    this.#decoder = weights.decoder === weights.embedding ? this.#embedding : place(weights.decoder);
    this.#decoderBias = place(weights.bias);
  }

  /** The state before any text: zeros. */
  initialState(): State {
    const { numLayers, hiddenSize } = this.config;
    return { h: new Float32Array(numLayers * this.#stateSize), c: new Float32Array(numLayers * hiddenSize) };
  }

  /**
   * The state after more tokens. Each is multiplied by itself, as a recurrence does anyhow, so that the bits do not
   * depend on how many are read at a time, and the build needs no matrix product.
   * @throws ConfigError for an id outside the vocabulary.
   */
  read(ids: Int32Array, state: State): State {
    const { runner, config } = this;
    const { memory } = runner;
    const { cell, vocabSize, embeddingSize, hiddenSize } = config;
    const steps = ids.length;
    const outputs = GATES[KINDS[cell]] * hiddenSize;
    const stateSize = this.#stateSize;
    memory.reset();
    let input = memory.bump(4 * steps * embeddingSize);
    for (const [t, id] of ids.entries()) {
      if (!(id >= 0 && id < vocabSize)) {
        throw new ConfigError(`token ids must be from 0 to ${vocabSize - 1}, got ${id}`);
      }
      const row = (this.#embedding >>> 2) + id * embeddingSize;
      memory.f32.copyWithin((input >>> 2) + t * embeddingSize, row, row + embeddingSize);
    }
    const after = this.initialState();
    for (const [index, layer] of this.#layers.entries()) {
      const { inputSize } = layer;
      const gates = memory.bump(4 * steps * outputs);
      for (let t = 0; t < steps; t++) {
        this.#multiply(
          layer.weightIh,
          outputs,
          inputSize,
          input + 4 * t * inputSize,
          layer.bias,
          gates + 4 * t * outputs,
        );
      }
      const h = this.#history(state.h, index, steps, stateSize);
      const c = cell === "lstm" ? this.#history(state.c, index, steps, hiddenSize) : undefined;
      const args = runner.args("RecurrentArgs", {
        steps,
        batch: 1,
        hiddenSize,
        stateSize,
        reverse: 0,
        variant: 0,
        hidden: h.pointer,
        cell: c?.pointer ?? 0,
        gates,
        extra: cell === "gru" || layer.weightHr ? memory.bump(4 * steps * hiddenSize) : 0,
        weights: layer.weightHh,
        packed: 0,
        projection: layer.weightHr,
        packedSecond: 0,
        offsets: 0,
        candidateBias: layer.candidateBias,
        dHidden: 0,
        dCell: 0,
        scratch: 0,
        tall: 0,
      });
      runner.run(`${cell}Forward`, 1, args);
      h.store(after.h);
      c?.store(after.c);
      input = h.pointer + 4 * stateSize;
    }
    return after;
  }

  /** The probabilities [vocabSize] of the token after a state, logits divided by `temperature`. */
  probabilities(state: State, temperature: number): Float32Array {
    const { runner, config } = this;
    const { memory } = runner;
    const { vocabSize, numLayers } = config;
    const stateSize = this.#stateSize;
    memory.reset();
    const x = memory.bump(4 * stateSize);
    const logits = memory.bump(4 * vocabSize);
    memory.f32.set(state.h.subarray((numLayers - 1) * stateSize), x >>> 2);
    this.#multiply(this.#decoder, vocabSize, stateSize, x, this.#decoderBias, logits);
    const values = memory.f32.subarray(logits >>> 2, (logits >>> 2) + vocabSize);
    // In f32, as the kernel that does it elsewhere.
    const factor = Math.fround(1 / temperature);
    if (temperature !== 1) for (let i = 0; i < vocabSize; i++) values[i] *= factor;
    runner.run("softmaxForward", 1, logits, logits, 1, vocabSize);
    return values.slice();
  }

  /** y[outputs] = weights[outputs, inputs] · x[inputs] + bias[outputs] */
  #multiply(weights: number, outputs: number, inputs: number, x: number, bias: number, y: number): void {
    const matrix = { n: outputs, k: inputs, b: weights, bStride: inputs, bTransposed: 1 };
    this.runner.run(
      "gemv",
      1,
      this.runner.args("GemvArgs", { ...matrix, x, y, accumulate: 0, bias, packed: 0 }),
    );
  }

  /** A layer's states [T + 1, S], of which the first is given; `store` copies the last one out. */
  #history(
    states: Float32Array,
    layer: number,
    steps: number,
    size: number,
  ): { pointer: number; store: (target: Float32Array) => void } {
    const { memory } = this.runner;
    const pointer = memory.bump(4 * (steps + 1) * size);
    memory.f32.set(states.subarray(layer * size, (layer + 1) * size), pointer >>> 2);
    const last = (pointer >>> 2) + steps * size;
    return {
      pointer,
      store: (target) => target.set(memory.f32.subarray(last, last + size), layer * size),
    };
  }
}
