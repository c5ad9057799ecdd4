import type { Engine } from "../engine/engine.ts";
import { RandomStream } from "../engine/random.ts";
import { ConfigError } from "../errors.ts";
import { createPacer } from "../macrotask.ts";
import type { RecurrentState } from "../nn/recurrent.ts";
import { scale } from "../tensor/elementwise.ts";
import { softmax } from "../tensor/softmax.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { argmax, checkSampleOptions, likeliest, type SampleOptions, sample } from "./sample.ts";

/** What generation needs of a model. */
export interface Generative {
  readonly engine: Engine;
  readonly training: boolean;
  readonly tokenizer?: Tokenizer;
  forward(ids: Tensor, state?: RecurrentState): { logits: Tensor; state: RecurrentState };
  train(training?: boolean): unknown;
}

export interface GenerateOptions extends SampleOptions {
  /** How many tokens. Default: without end, until the loop is left or the signal aborts. */
  length?: number;
  /** Default 0. */
  seed?: number;
  /** How many of the likeliest tokens to report with each token. Default 0. */
  alternatives?: number;
  signal?: AbortSignal;
}

export interface GeneratedToken {
  id: number;
  /** The text that is certain with this token: may be empty while half a character is held back. */
  text: string;
  /** The probability that the model gave it, at the temperature asked for. */
  probability: number;
  /** The likeliest tokens in its place and their probabilities, where they were asked for. */
  alternatives?: { id: number; probability: number }[];
}

/** Prompt tokens that are read in one call. */
const CHUNK = 256;

/** Below it the likeliest token is certain, and dividing logits by it could overflow. */
const LOWEST_TEMPERATURE = 1e-6;

/**
 * Continues a prompt (text, where the model has a tokenizer, or ids), token by token:
 * `for await (const token of generate(model, "Call me", { length: 100 })) …`.
 * The same seed gives the same tokens wherever the model gives the same bits.
 * @throws ConfigError on an option out of range, an empty prompt, or text without a tokenizer.
 */
export async function* generate(
  model: Generative,
  prompt: string | ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  const { engine, tokenizer } = model;
  const { length = Number.POSITIVE_INFINITY, seed = 0, temperature = 1, alternatives = 0, signal } = options;
  checkSampleOptions(options);
  if (!Number.isInteger(alternatives) || alternatives < 0) {
    throw new ConfigError(`alternatives must be an integer from 0, got ${alternatives}`);
  }
  if (!(length >= 0)) throw new ConfigError(`length must be a number from 0, got ${length}`);
  if (typeof prompt === "string" && !tokenizer) {
    throw new ConfigError("the model has no tokenizer: give the prompt as token ids");
  }
  let ids = typeof prompt === "string" ? tokenizer!.encode(prompt) : Int32Array.from(prompt);
  if (ids.length === 0)
    throw new ConfigError("the prompt is empty: generation needs at least one token to go on from");

  const random = new RandomStream(seed);
  const decoder = tokenizer?.createDecoder();
  const promptIds = ids;
  const pause = createPacer();
  let state: RecurrentState | undefined;
  /** Reads ids; the probabilities of the token after them, or undefined if `last` is not set. */
  const read = (chunk: Int32Array, last: boolean): Omit<GeneratedToken, "text"> | undefined => {
    const wasTraining = model.training;
    if (wasTraining) model.train(false);
    try {
      return engine.infer(() => {
        const result = model.forward(engine.ids(chunk, [chunk.length, 1]), state);
        const next = { h: engine.keep(result.state.h, state?.h) } as RecurrentState;
        if (result.state.c) next.c = engine.keep(result.state.c, state?.c);
        state = next;
        return last ? draw(engine, result.logits, random, temperature, options) : undefined;
      });
    } finally {
      if (wasTraining) model.train();
    }
  };

  try {
    for (let done = 0; done < length; done++) {
      await pause();
      if (signal?.aborted) return;
      for (; ids.length > CHUNK; ids = ids.subarray(CHUNK)) {
        read(ids.subarray(0, CHUNK), false);
        await pause();
        if (signal?.aborted) return;
      }
      const token = read(ids, true)!;
      if (done === 0) {
        // Whether a space is before a token may depend on the one before it.
        for (const id of promptIds) decoder?.push(id);
      }
      yield { ...token, text: decoder?.push(token.id) ?? "" };
      ids = Int32Array.of(token.id);
    }
    const rest = decoder?.flush();
    if (rest) yield { id: -1, text: rest, probability: 1 };
  } finally {
    state?.h.free();
    state?.c?.free();
  }
}

/** The next token from the last row of logits [T, 1, V]. */
function draw(
  engine: Engine,
  logits: Tensor,
  random: RandomStream,
  temperature: number,
  options: GenerateOptions,
): Omit<GeneratedToken, "text"> {
  const vocabSize = logits.shape[2];
  const row = logits.view([1, vocabSize], logits.size - vocabSize);
  const greedy = temperature < LOWEST_TEMPERATURE;
  const scaled = greedy || temperature === 1 ? row : scale(row, 1 / temperature);
  const probabilities = softmax(scaled).toArray() as Float32Array;
  const id = greedy ? argmax(probabilities) : sample(probabilities, random.uniform(engine), options);
  const drawn = { id, probability: probabilities[id] };
  return options.alternatives
    ? { ...drawn, alternatives: likeliest(probabilities, options.alternatives) }
    : drawn;
}
