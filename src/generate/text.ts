import { checkSeed, RandomStream } from "../engine/random.ts";
import type { Runner } from "../engine/runner.ts";
import { ConfigError, NumericError } from "../errors.ts";
import { createPacer } from "../macrotask.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { argmax, checkCount, checkSampleOptions, likeliest, type SampleOptions, sample } from "./sample.ts";

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
  /** −1 where no token is left and half a character had been held back: one more at the end then brings its text, "�". */
  id: number;
  /** The text that is certain with this token: may be empty while half a character is held back. */
  text: string;
  /** The probability that the model gave it, at the temperature asked for; at temperature 0 that at temperature 1. */
  probability: number;
  /** The likeliest tokens in its place and their probabilities, where they were asked for. */
  alternatives?: { id: number; probability: number }[];
}

/** A model that reads one text, and knows how far it is. */
export interface TextReader {
  readonly runner: Runner;
  /** Reads ids. Given a temperature, it returns the probabilities of the token after them, which stay until the next call. */
  read(ids: Int32Array, temperature?: number): Float32Array | undefined;
  close(): void;
}

/** Tokens that are read in one call at most. */
const CHUNK = 256;

/** Below it the likeliest token is certain, and dividing logits by it could overflow. */
const LOWEST_TEMPERATURE = 1e-6;

/** Text, where there is a tokenizer, or ids, as ids. @throws ConfigError */
export function idsOf(prompt: string | ArrayLike<number>, tokenizer: Tokenizer | undefined): Int32Array {
  if (typeof prompt !== "string") {
    const ids = Array.from(prompt);
    const wrong = ids.find((id) => (id | 0) !== id);
    if (wrong !== undefined)
      throw new ConfigError(`token ids must be integers of 32 bits, got ${wrong} in the prompt`);
    return Int32Array.from(ids);
  }
  if (!tokenizer) throw new ConfigError("the model has no tokenizer: give the prompt as token ids");
  return tokenizer.encode(prompt);
}

/** @throws ConfigError on an option out of range. */
export function checkGenerateOptions(options: GenerateOptions): void {
  const { length = Number.POSITIVE_INFINITY, seed = 0, alternatives = 0 } = options;
  checkSampleOptions(options);
  checkCount("alternatives", alternatives);
  checkSeed(seed);
  if (!(length >= 0)) throw new ConfigError(`length must be a number from 0, got ${length}`);
}

/** Lets a reader go on from a prompt, token by token: see {@link generate}. `open` begins to read. */
export async function* continueText(
  open: () => TextReader,
  tokenizer: Tokenizer | undefined,
  prompt: string | ArrayLike<number>,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, undefined> {
  checkGenerateOptions(options);
  const { length = Number.POSITIVE_INFINITY, seed = 0, temperature = 1, alternatives = 0, signal } = options;
  let ids = idsOf(prompt, tokenizer);
  if (ids.length === 0)
    throw new ConfigError("the prompt is empty: generation needs at least one token to go on from");

  const random = new RandomStream(seed);
  const decoder = tokenizer?.createDecoder();
  const promptIds = ids;
  const pause = createPacer();
  const greedy = temperature < LOWEST_TEMPERATURE;
  const reader = open();
  try {
    const last = new Int32Array(1);
    for (let done = 0; done < length; done++) {
      // Waiting for nothing would still cost a turn of the event loop's inner queue, for every token.
      const pausing = pause();
      if (pausing) await pausing;
      if (signal?.aborted) return;
      for (; ids.length > CHUNK; ids = ids.subarray(CHUNK)) {
        reader.read(ids.subarray(0, CHUNK));
        await pause();
        if (signal?.aborted) return;
      }
      // Drawn first: it may make the memory grow, in which the probabilities lie.
      const chance = greedy ? 0 : random.uniform(reader.runner);
      const probabilities = reader.read(ids, greedy ? 1 : temperature)!;
      const id = greedy ? argmax(probabilities) : sample(probabilities, chance, options);
      if (done === 0) {
        // Whether a space is before a token may depend on the one before it.
        for (const id of promptIds) decoder?.push(id);
      }
      if (Number.isNaN(probabilities[id])) {
        throw new NumericError("the model gives no probabilities, but NaN: its weights are not finite");
      }
      const token = { id, probability: probabilities[id], text: decoder?.push(id) ?? "" };
      yield alternatives > 0 ? { ...token, alternatives: likeliest(probabilities, alternatives) } : token;
      last[0] = id;
      ids = last;
    }
    const rest = decoder?.flush();
    if (rest) yield { id: -1, text: rest, probability: 1 };
  } finally {
    reader.close();
  }
}
