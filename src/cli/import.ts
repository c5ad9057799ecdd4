import { Command } from "commander";
import { readSafetensors } from "../formats/safetensors.ts";
import { saveLanguageModel } from "../models/model-file.ts";
import { fromPyTorch, type PartNames } from "../models/pytorch.ts";
import { readFileChecked, writeFileAtomic } from "./atomic-write.ts";
import { nameOf } from "./measure.ts";
import { fileName } from "./options.ts";
import { about, checkIsOther, openEngine } from "./setup.ts";
import { loadTokenizer } from "./tokenizers.ts";

interface Options extends Required<PartNames> {
  tokenizer: string;
  out: string;
}

export function importCommand(): Command {
  return new Command("import")
    .description(
      "Make a model from the state dict of a PyTorch module of nn.Embedding, nn.RNN, nn.LSTM or nn.GRU, and nn.Linear.",
    )
    .argument("<weights>", "the state dict as safetensors: F32, F16 or BF16")
    .requiredOption("--tokenizer <file>", "tokenizer.json, or a model that holds its tokenizer (required)")
    .option("--embedding <name>", "what the module calls its nn.Embedding", "embedding")
    .option("--rnn <name>", "what it calls its recurrent layers", "rnn")
    .option("--decoder <name>", "what it calls its nn.Linear", "decoder")
    .option("-o, --out <path>", "where the model is saved", fileName, "model.safetensors")
    .action(run);
}

async function run(path: string, options: Options): Promise<void> {
  const { out } = options;
  await checkIsOther("--out", out, path, options.tokenizer);
  const bytes = await readFileChecked(path);
  const tokenizer = await loadTokenizer(options.tokenizer);
  const engine = await openEngine({});
  const { model, filled } = about(path, () =>
    fromPyTorch(engine, readSafetensors(bytes).tensors, tokenizer, options),
  );
  await writeFileAtomic(out, saveLanguageModel(model));
  const { cell, numLayers, hiddenSize, projSize, embeddingSize, vocabSize, tieWeights } = model.config;
  console.log(
    `${cell.toUpperCase()}, ${numLayers} × ${hiddenSize} units${projSize ? ` projected to ${projSize}` : ""}, ` +
      `embedding ${embeddingSize}${tieWeights ? " (tied)" : ""}, vocabulary ${vocabSize} (${nameOf(tokenizer)}): ` +
      `${model.parameterCount.toLocaleString("en-US")} parameters`,
  );
  if (filled.length > 0) console.log(`without biases there, so zeros: ${filled.join(", ")}`);
  console.log(`saved to ${out}`);
  engine.close();
}
