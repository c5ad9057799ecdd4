import { ConfigError } from "../errors.ts";
import type { InferenceModel } from "./model.ts";
import { checkCount, checkSampleOptions, likeliest } from "./sample.ts";
import { idsOf } from "./text.ts";
import type { InferenceState } from "./token-pass.ts";

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
  #state: InferenceState;

  constructor(model: InferenceModel) {
    this.model = model;
    this.#state = model.initialState();
  }

  /** Reads on: text, cut into tokens by itself, or ids. @throws ConfigError as `generate`. */
  read(text: string | ArrayLike<number>): this {
    this.#state = this.model.read(idsOf(text, this.model.tokenizer), this.#state);
    return this;
  }

  /** Of every token of the vocabulary: [vocabSize], which sum to 1. `temperature` is above 0. */
  probabilities(temperature = 1): Float32Array {
    checkSampleOptions({ temperature });
    if (temperature < 1e-6) throw new ConfigError(`temperature must be at least 1e-6, got ${temperature}`);
    return this.model.probabilities(this.#state, temperature);
  }

  /** The likeliest tokens, the likeliest first. @throws ConfigError unless `count` is an integer from 0. */
  next({ count = 5, temperature = 1 }: { count?: number; temperature?: number } = {}): NextToken[] {
    checkCount("count", count);
    const { tokenizer } = this.model;
    return likeliest(this.probabilities(temperature), count).map(({ id, probability }) => ({
      id,
      text: tokenizer?.decode([id]) ?? "",
      probability,
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
