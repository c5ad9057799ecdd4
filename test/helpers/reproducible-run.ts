import {
  CharacterTokenizer,
  Corpus,
  createEngine,
  LanguageModel,
  saveLanguageModel,
  train,
} from "../../src/index.ts";
import { sha256 } from "./sha256.ts";
import { startThreads } from "./threads.ts";

/**
 * SHA-256 of a model file after 50 steps. Every runtime must give it: the suite runs on several. A change of a kernel
 * that reorders its arithmetic changes it, and says so by editing this line.
 */
export const WEIGHTS = "f5d5537dd65d22c0af2cec2154a919163a75a1eaec47afdbb05dccd0aa740e01";

/** Trains for 50 steps in the reproducible build; `threads` are those that computed. */
export async function reproducibleRun(threads: number): Promise<{ weights: string; threads: number }> {
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
  const result = { weights: await sha256(saveLanguageModel(model)), threads: engine.threads };
  engine.close();
  return result;
}
