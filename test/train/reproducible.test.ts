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

/**
 * SHA-256 of a model file after 50 steps. Every runtime must give it: the suite runs on several. A change of a kernel
 * that reorders its arithmetic changes it, and says so by editing this line.
 */
const WEIGHTS = "8fb74854f105233e98d15805d1d94e53b3d3a68896617101c38dfa65b87f9638";

test("the reproducible build gives the same weights in every runtime", async () => {
  const engine = await createEngine({ numerics: "reproducible", seed: 2026 });
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
});
