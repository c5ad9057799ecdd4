import type { RandomStream } from "../engine/random.ts";
import { ConfigError } from "../errors.ts";
import type { InferenceModel, State } from "./model.ts";
import { checkSampleOptions } from "./sample.ts";
import { CHUNK, idsOf, type TextReader } from "./text.ts";

/** A token that may come next. */
export interface NextToken {
  id: number;
  /** The token by itself, as text; U+FFFD stands for half a character. Empty where the model has no tokenizer. */
  text: string;
  probability: number;
}

/**
 * Reads a text and says what may come next, as it stands at any point:
 * `new Reader(model).read("Call me").next({ count: 3 })`.
 */
export class Reader {
  readonly model: InferenceModel;
  #state: State;

  constructor(model: InferenceModel) {
    this.model = model;
    this.#state = model.initialState();
  }

  /** Reads on: text, cut into tokens by itself, or ids. @throws ConfigError as `generate`. */
  read(text: string | ArrayLike<number>): this {
    const ids = idsOf(text, this.model.tokenizer);
    for (let from = 0; from < ids.length; from += CHUNK) {
      this.#state = this.model.read(ids.subarray(from, from + CHUNK), this.#state);
    }
    return this;
  }

  /** Of every token of the vocabulary: [vocabSize], which sum to 1. `temperature` is above 0. */
  probabilities(temperature = 1): Float32Array {
    checkSampleOptions({ temperature });
    if (temperature < 1e-6) throw new ConfigError(`temperature must be at least 1e-6, got ${temperature}`);
    return this.model.probabilities(this.#state, temperature);
  }

  /** The likeliest tokens, the likeliest first. */
  next({ count = 5, temperature = 1 }: { count?: number; temperature?: number } = {}): NextToken[] {
    const probabilities = this.probabilities(temperature);
    const best: number[] = [];
    for (let id = 0; id < probabilities.length; id++) {
      if (best.length >= count && !(probabilities[id] > probabilities[best[count - 1]])) continue;
      let at = best.length;
      while (at > 0 && probabilities[id] > probabilities[best[at - 1]]) at--;
      best.splice(at, 0, id);
      best.length = Math.min(best.length, count);
    }
    const { tokenizer } = this.model;
    return best.map((id) => ({
      id,
      text: tokenizer?.decode([id]) ?? "",
      probability: probabilities[id],
    }));
  }

  /** Another reader at the same point. */
  clone(): Reader {
    const copy = new Reader(this.model);
    // A state is never written to once it is made.
    copy.#state = this.#state;
    return copy;
  }
}

/** A reader for `continueText`. */
export function openText(model: InferenceModel): TextReader {
  const { runner } = model;
  let state = model.initialState();
  return {
    read(ids, temperature) {
      state = model.read(ids, state);
      return temperature === undefined ? undefined : model.probabilities(state, temperature);
    },
    uniform(random: RandomStream) {
      runner.memory.reset();
      return random.uniform(runner);
    },
    close() {},
  };
}
