// What a user's program may be. It runs in Node and, bundled, in pages.
import {
  CharacterTokenizer,
  Corpus,
  createEngine,
  LanguageModel,
  FormatError as SameError,
  saveLanguageModel,
  train,
  generate as write,
} from "unrolled";
import { FormatError, generate, loadModel } from "unrolled/generate";

/** Trains as test/helpers/reproducible-run.ts does. */
async function run() {
  const engine = await createEngine({ numerics: "reproducible", seed: 2026 });
  const source = "All mortal greatness is but disease. ".repeat(60);
  const tokenizer = CharacterTokenizer.train(source);
  const corpus = new Corpus(tokenizer.encode(source), { batchSize: 5, sequenceLength: 17 });
  const sizes = { vocabSize: tokenizer.vocabSize, embeddingSize: 13, hiddenSize: 37, numLayers: 2 };
  const model = new LanguageModel(engine, { ...sizes, dropout: 0.1 }, tokenizer);
  for await (const _ of train(model, corpus, { steps: 50, warmup: 5 }));
  const file = saveLanguageModel(model);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  const small = await loadModel(file);
  const textOf = async (tokens) => {
    let text = "";
    for await (const token of tokens) text += token.text;
    return text;
  };
  return {
    weights: Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    isSameText:
      (await textOf(write(model, "A", { length: 20 }))) ===
      (await textOf(generate(small, "A", { length: 20 }))),
    isSameError: FormatError === SameError,
    errorName: new SameError("").name,
    fastBuild: (await createEngine({ numerics: "fast" })).build,
  };
}

export const result = run();
