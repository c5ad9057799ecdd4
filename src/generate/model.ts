import type { Kernels } from "../engine/kernels.ts";
import { LARGEST_ARGS } from "../engine/layouts.ts";
import { compile, HEAP_BASE } from "../engine/load.ts";
import { Runner } from "../engine/runner.ts";
import { ConfigError, FormatError } from "../errors.ts";
import { type CompleteConfig, completeConfig, KINDS } from "../models/config.ts";
import { readModelFile } from "../models/read-model-file.ts";
import { GATES } from "../tensor/recurrent-pass.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type InferenceState, type ModelAddresses, TokenPass } from "./token-pass.ts";
import { takeWeights, type Weights } from "./weights.ts";

/** The `infer` build, compressed: the package's bundles carry it inside (scripts/build.mjs). */
declare const UNROLLED_INFER: string | undefined;
const INLINED = typeof UNROLLED_INFER === "string" ? UNROLLED_INFER : undefined;

/**
 * Reads a file that `saveLanguageModel` or the command line wrote, for generation alone. The memory that the model
 * takes goes when nothing refers to it any more.
 * @param options.maximumMemory the most linear memory to use, in bytes, from 2 MiB on. Default: 4 GiB.
 * @throws FormatError saying what is wrong with the file; ConfigError on a maximum that is too small; EngineError where
 *   WebAssembly SIMD is missing, or memory.
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
  readonly #weights: ModelAddresses;
  /** Of whoever reads with a state of their own. */
  readonly #pass: TokenPass;

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
    this.#weights = place(runner, config, weights);
    this.#pass = this.open();
  }

  /** Begins to read a text. @internal */
  open(): TokenPass {
    const pass = new TokenPass(this.runner, this.config, this.#stateSize);
    pass.use(this.#weights);
    return pass;
  }

  /** The state before any text: zeros. */
  initialState(): InferenceState {
    const { numLayers, hiddenSize } = this.config;
    return { h: new Float32Array(numLayers * this.#stateSize), c: new Float32Array(numLayers * hiddenSize) };
  }

  /** The state after more tokens. @throws ConfigError for an id outside the vocabulary. */
  read(ids: Int32Array, state: InferenceState): InferenceState {
    this.#pass.state = state;
    for (const id of ids) this.#pass.read(id);
    return this.#pass.state;
  }

  /** The probabilities [vocabSize] of the token after a state, logits divided by `temperature`. */
  probabilities(state: InferenceState, temperature: number): Float32Array {
    this.#pass.state = state;
    return this.#pass.probabilities(temperature).slice();
  }
}

/** Copies the weights into the linear memory. */
function place({ memory }: Runner, config: CompleteConfig, weights: Weights): ModelAddresses {
  const put = (data: Float32Array | undefined): number => {
    if (!data) return 0;
    const pointer = memory.allocate(data.byteLength);
    memory.f32.set(data, pointer >>> 2);
    return pointer;
  };
  const embedding = put(weights.embedding);
  const isGru = config.cell === "gru";
  return {
    embedding,
    layers: weights.layers.map(({ weightIh, weightHh, weightHr, biasIh, biasHh }) => {
      const shared = isGru ? 2 * config.hiddenSize : biasIh.length;
      return {
        projected: 0,
        weightIh: put(weightIh),
        panelsIh: 0,
        bias: put(biasIh.map((value, i) => (i < shared ? value + biasHh[i] : value))),
        candidateBias: isGru ? put(biasHh.subarray(shared)) : 0,
        weightHh: put(weightHh),
        panelsHh: 0,
        panelsSecond: 0,
        weightHr: put(weightHr),
      };
    }),
    decoder: weights.decoder === weights.embedding ? embedding : put(weights.decoder),
    panelsDecoder: 0,
    decoderBias: put(weights.bias),
  };
}
