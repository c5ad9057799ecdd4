import type { Kernels } from "../engine/kernels.ts";
import { GemvArgs, LARGEST_ARGS, RecurrentArgs } from "../engine/layouts.ts";
import type { Runner } from "../engine/runner.ts";
import { ConfigError } from "../errors.ts";
import { type CompleteConfig, KINDS } from "../models/config.ts";
import { GATES } from "../tensor/recurrent-pass.ts";
import { copy } from "../tensor/split.ts";

/** The states of all layers after some text, one behind the other. */
export interface InferenceState {
  /** [numLayers, P] */
  readonly h: Float32Array;
  /** LSTM: [numLayers, H]. */
  readonly c: Float32Array;
}

/** Where a layer's weights lie. Panels: 0 where the weights are read as they are. */
export interface LayerAddresses {
  /** The first layer: W_ih x + b of every token [V, G·H], or 0. Then it needs no other weights of its input. */
  projected: number;
  weightIh: number;
  panelsIh: number;
  /** b_ih + b_hh, without a GRU's b_hn, which stands inside r⊙(…). */
  bias: number;
  candidateBias: number;
  weightHh: number;
  /** Of W_hh; a GRU's candidate apart, in the second. */
  panelsHh: number;
  panelsSecond: number;
  /** LSTM: W_hr, or 0; its panels are the second. */
  weightHr: number;
}

export interface ModelAddresses {
  /** [V, E] */
  embedding: number;
  layers: readonly LayerAddresses[];
  /** [V, P] */
  decoder: number;
  panelsDecoder: number;
  decoderBias: number;
}

interface Layer {
  /** The first layer: a token's vector, where it is not projected beforehand; others: 0. */
  row: number;
  projected: number;
  inputArgs: number;
  inputParts: number;
  cellArgs: number;
  /** [2, P]: before a token, and after it. */
  hidden: number;
  /** LSTM: [2, H]. */
  cell: number;
}

/**
 * One token after another through a language model, one text at a time. All memory and the arguments of all kernels are
 * laid out beforehand: a token is one kernel call a layer, two where threads share its input's product, two more for what
 * may follow, and JavaScript makes no object.
 */
export class TokenPass {
  readonly #runner: Runner;
  readonly #config: CompleteConfig;
  readonly #stateSize: number;
  /** G·H */
  readonly #outputs: number;
  readonly #cellForward: Kernels["lstmForward"];
  readonly #layers: Layer[] = [];
  readonly #blocks: number[] = [];
  readonly #gates: number;
  readonly #extra: number;
  readonly #outputArgs: number;
  readonly #outputParts: number;
  readonly #logits: number;
  #embedding = 0;
  #probabilities: Float32Array;

  /** The text has not begun: the state is zero. To be given weights by `use`. @throws EngineError where memory is short. */
  constructor(runner: Runner, config: CompleteConfig, stateSize: number) {
    this.#runner = runner;
    this.#config = config;
    this.#stateSize = stateSize;
    const { cell, vocabSize, embeddingSize, hiddenSize, numLayers } = config;
    this.#cellForward = runner.kernels[`${cell}Forward`];
    const outputs = GATES[KINDS[cell]] * hiddenSize;
    this.#outputs = outputs;
    const partsOf = (n: number, k: number) => runner.parts(Math.ceil(n / 64), (n * k) / 8);
    try {
      this.#gates = this.#allocate(4 * outputs);
      this.#extra = this.#allocate(4 * hiddenSize);
      this.#logits = this.#allocate(4 * vocabSize);
      this.#outputArgs = this.#allocate(LARGEST_ARGS);
      this.#outputParts = partsOf(vocabSize, stateSize);
      for (let layer = 0; layer < numLayers; layer++) {
        const inputs = layer === 0 ? embeddingSize : stateSize;
        this.#layers.push({
          row: layer === 0 ? this.#allocate(4 * embeddingSize) : 0,
          projected: 0,
          inputArgs: this.#allocate(LARGEST_ARGS),
          inputParts: partsOf(outputs, inputs),
          cellArgs: this.#allocate(LARGEST_ARGS),
          hidden: this.#allocate(8 * stateSize),
          cell: cell === "lstm" ? this.#allocate(8 * hiddenSize) : 0,
        });
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.#probabilities = this.#view();
  }

  /** Goes on with these weights, until others are given: of the same model, at other places. */
  use(weights: ModelAddresses): void {
    const runner = this.#runner;
    const { vocabSize, embeddingSize, hiddenSize } = this.#config;
    const stateSize = this.#stateSize;
    const outputs = this.#outputs;
    /** y[n] = b[n, k] · x[k] + bias[n] */
    const gemv = (
      args: number,
      n: number,
      k: number,
      x: number,
      y: number,
      [b, packed, bias]: readonly [number, number, number],
    ) => runner.writeArgs(args, GemvArgs, { n, k, x, b, bStride: k, bTransposed: 1, y, bias, packed });
    this.#embedding = weights.embedding;
    let input = 0;
    for (const [index, layer] of this.#layers.entries()) {
      const { projected, weightIh, panelsIh, bias, ...own } = weights.layers[index];
      layer.projected = projected;
      const inputs = index === 0 ? embeddingSize : stateSize;
      const matrix = [weightIh, panelsIh, bias] as const;
      gemv(layer.inputArgs, outputs, inputs, layer.row || input, this.#gates, matrix);
      runner.writeArgs(layer.cellArgs, RecurrentArgs, {
        steps: 1,
        batch: 1,
        hiddenSize,
        stateSize,
        hidden: layer.hidden,
        cell: layer.cell,
        gates: this.#gates,
        extra: this.#extra,
        weights: own.weightHh,
        packed: own.panelsHh,
        projection: own.weightHr,
        packedSecond: own.panelsSecond,
        candidateBias: own.candidateBias,
        input: projected || layer.inputParts > 1 ? 0 : layer.inputArgs,
      });
      input = layer.hidden;
    }
    const { decoder, panelsDecoder, decoderBias } = weights;
    const matrix = [decoder, panelsDecoder, decoderBias] as const;
    gemv(this.#outputArgs, vocabSize, stateSize, input, this.#logits, matrix);
  }

  /** @throws ConfigError for an id outside the vocabulary. */
  check(id: number): void {
    const { vocabSize } = this.#config;
    if (!(id >= 0 && id < vocabSize)) {
      throw new ConfigError(`token ids must be from 0 to ${vocabSize - 1}, got ${id}`);
    }
  }

  /** Reads a token. @throws ConfigError for an id outside the vocabulary. */
  read(id: number): void {
    this.check(id);
    const { embeddingSize, hiddenSize } = this.#config;
    const outputs = this.#outputs;
    const runner = this.#runner;
    const stateSize = this.#stateSize;
    for (const { row, projected, inputArgs, inputParts, cellArgs, hidden, cell } of this.#layers) {
      if (projected) {
        copy(runner, this.#gates, projected + 4 * id * outputs, outputs);
      } else {
        if (row) copy(runner, row, this.#embedding + 4 * id * embeddingSize, embeddingSize);
        if (inputParts > 1) runner.run("gemv", inputParts, inputArgs);
      }
      this.#cellForward(cellArgs, 0, 1);
      copy(runner, hidden, hidden + 4 * stateSize, stateSize);
      if (cell) copy(runner, cell, cell + 4 * hiddenSize, hiddenSize);
    }
  }

  /**
   * The probabilities [vocabSize] of the token after what was read, logits divided by `temperature`. They stay until the
   * next call.
   */
  probabilities(temperature: number): Float32Array {
    if (this.#outputParts > 1) this.#runner.run("gemv", this.#outputParts, this.#outputArgs);
    else this.#runner.kernels.gemv(this.#outputArgs, 0, 1);
    if (this.#probabilities.buffer !== this.#runner.memory.f32.buffer) this.#probabilities = this.#view();
    const values = this.#probabilities;
    if (temperature !== 1) {
      // In f32, as the kernel that does it elsewhere.
      const factor = Math.fround(1 / temperature);
      for (let i = 0; i < values.length; i++) values[i] *= factor;
    }
    this.#runner.kernels.softmaxForward(this.#logits, this.#logits, 1, values.length, 0, 1);
    return values;
  }

  /** A copy of the states. */
  get state(): InferenceState {
    const { f32 } = this.#runner.memory;
    const { hiddenSize, numLayers, cell } = this.#config;
    const h = new Float32Array(numLayers * this.#stateSize);
    const c = new Float32Array(cell === "lstm" ? numLayers * hiddenSize : 0);
    for (const [i, layer] of this.#layers.entries()) {
      h.set(f32.subarray(layer.hidden >>> 2, (layer.hidden >>> 2) + this.#stateSize), i * this.#stateSize);
      if (layer.cell) c.set(f32.subarray(layer.cell >>> 2, (layer.cell >>> 2) + hiddenSize), i * hiddenSize);
    }
    return { h, c };
  }

  set state({ h, c }: InferenceState) {
    const { f32 } = this.#runner.memory;
    const { hiddenSize } = this.#config;
    const size = this.#stateSize;
    for (const [i, layer] of this.#layers.entries()) {
      f32.set(h.subarray(i * size, (i + 1) * size), layer.hidden >>> 2);
      if (layer.cell) f32.set(c.subarray(i * hiddenSize, (i + 1) * hiddenSize), layer.cell >>> 2);
    }
  }

  /** Gives its memory back; it cannot be used afterwards. */
  close(): void {
    for (const block of this.#blocks.splice(0)) this.#runner.memory.free(block);
  }

  #allocate(bytes: number): number {
    const at = this.#runner.memory.allocate(bytes);
    this.#blocks.push(at);
    return at;
  }

  #view(): Float32Array {
    const start = this.#logits >>> 2;
    return this.#runner.memory.f32.subarray(start, start + this.#config.vocabSize);
  }
}
