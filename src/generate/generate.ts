import type { Engine } from "../engine/engine.ts";
import { LanguageModel } from "../models/language-model.ts";
import { inEvaluation } from "../nn/evaluation.ts";
import type { RecurrentState } from "../nn/recurrent.ts";
import { scale } from "../tensor/elementwise.ts";
import { softmax } from "../tensor/softmax.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { openLanguageModel } from "./language-model-reader.ts";
import { continueText, type GeneratedToken, type GenerateOptions, type TextReader } from "./text.ts";

/** What generation needs of a model. */
export interface Generative {
  readonly engine: Engine;
  readonly tokenizer?: Tokenizer | undefined;
  forward(ids: Tensor, state?: RecurrentState): { logits: Tensor; state: RecurrentState };
  namedModules(): Iterable<[string, { training: boolean }]>;
}

/**
 * Continues a prompt (text, where the model has a tokenizer, or ids), token by token:
 * `for await (const token of generate(model, "Call me", { length: 100 })) …`.
 * The same seed gives the same tokens wherever the model gives the same bits.
 * @throws ConfigError on an option out of range, an empty prompt, or text without a tokenizer.
 */
export function generate(
  model: Generative,
  prompt: string | ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  return continueText(() => openAny(model), model.tokenizer, prompt, options);
}

/** A class that extends LanguageModel may have a forward() of its own, which alone knows what it does. */
function openAny(model: Generative): TextReader {
  const isKnown = model instanceof LanguageModel && model.forward === LanguageModel.prototype.forward;
  return isKnown ? openLanguageModel(model) : openModel(model);
}

/** Reads with any model's forward(). */
function openModel(model: Generative): TextReader {
  const { engine } = model;
  let state: RecurrentState | undefined;
  return {
    runner: engine,
    read(ids, temperature) {
      const step = () => {
        const result = model.forward(engine.ids(ids, [ids.length, 1]), state);
        const next = { h: engine.keep(result.state.h, state?.h) } as RecurrentState;
        if (result.state.c) next.c = engine.keep(result.state.c, state?.c);
        const probabilities =
          temperature === undefined ? undefined : lastProbabilities(result.logits, temperature);
        return { next, probabilities };
      };
      // Taken outside: a step that throws keeps nothing, and the state before goes on.
      const { next, probabilities } = inEvaluation(model, () => engine.infer(step));
      state = next;
      return probabilities;
    },
    close() {
      state?.h.free();
      state?.c?.free();
    },
  };
}

/** Of the token after the last row of logits [T, 1, V]. */
function lastProbabilities(logits: Tensor, temperature: number): Float32Array {
  const vocabSize = logits.shape[2];
  const row = logits.view([1, vocabSize], logits.size - vocabSize);
  return softmax(temperature === 1 ? row : scale(row, 1 / temperature)).toArray() as Float32Array;
}
