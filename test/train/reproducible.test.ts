import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  CharacterTokenizer,
  Corpus,
  createEngine,
  LanguageModel,
  saveLanguageModel,
  train,
} from "../../src/index.ts";
import { startThreads } from "../helpers/threads.ts";

/**
 * SHA-256 of a model file after 50 steps. Every runtime must give it: the suite runs on several. A change of a kernel
 * that reorders its arithmetic changes it, and says so by editing this line.
 */
const WEIGHTS = "dc9386b47f1f5db9394632ac1ea6b4caf28e98de1f817d9876a100c8755e07e7";

test.each([1, 3])(
  "the reproducible build gives the same weights in every runtime: %i threads",
  async (threads) => {
    const engine = await createEngine({ numerics: "reproducible", seed: 2026, threads });
    await startThreads(engine);
    const text = "All mortal greatness is but disease. ".repeat(60);
    const tokenizer = CharacterTokenizer.train(text);
    const corpus = new Corpus(tokenizer.encode(text), { batchSize: 5, sequenceLength: 17 });
    const config = {
      vocabSize: tokenizer.vocabSize,
      embeddingSize: 13,
      hiddenSize: 37,
      numLayers: 2,
      dropout: 0.1,
    };
    const model = new LanguageModel(engine, config, tokenizer);
    for await (const _ of train(model, corpus, { steps: 50, warmup: 5 }));
    expect(createHash("sha256").update(saveLanguageModel(model)).digest("hex")).toBe(WEIGHTS);
    engine.close();
  },
);
