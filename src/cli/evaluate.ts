import { Command } from "commander";
import { FormatError, NumericError } from "../errors.ts";
import { loadLanguageModel } from "../models/model-file.ts";
import { evaluationBatches } from "../text/corpus.ts";
import { evaluate } from "../train/evaluate.ts";
import { readFileChecked } from "./atomic-write.ts";
import { predictedSize, sizeOf, warnUnknown } from "./measure.ts";
import { integer, numericsOption, threadsOption, wideOption } from "./options.ts";
import { about, openEngine, readText } from "./setup.ts";

interface Options {
  batchSize: number;
  sequenceLength: number;
  numerics: "fast" | "reproducible";
  threads?: number;
  wide?: boolean;
  json?: boolean;
}

export function evaluateCommand(): Command {
  return new Command("eval")
    .description(
      "Measure how well a model predicts a text: loss and perplexity per token, bits per byte and per character.",
    )
    .argument("<model>", "model file, as `unrolled train` saved it")
    .argument("<file>", "UTF-8 text")
    .option("-b, --batch-size <rows>", "columns of the text read side by side", integer(1), 16)
    .option("-T, --sequence-length <steps>", "steps in one batch; state is carried over", integer(1), 128)
    .addOption(numericsOption())
    .addOption(threadsOption())
    .addOption(wideOption())
    .option("--json", "one JSON object")
    .action(run);
}

async function run(path: string, textPath: string, options: Options): Promise<void> {
  const [bytes, text] = [await readFileChecked(path), await readText(textPath)];
  const engine = await openEngine(options);
  const { model } = about(path, () => loadLanguageModel(engine, bytes));
  if (!model.tokenizer) throw new FormatError(`${path} holds no tokenizer: it cannot read text`);
  const { tokenizer } = model;
  const ids = tokenizer.encode(text);
  const batches = about(textPath, () => evaluationBatches(ids, options));
  warnUnknown(tokenizer, text, textPath, ids);
  const result = await evaluate(model, batches);
  if (!result) return;
  const { loss, perplexity, count: tokens } = result;
  if (!Number.isFinite(loss)) throw new NumericError(`${path}: the loss on ${textPath} is ${loss}`);
  const predicted = predictedSize(tokenizer, text, ids);
  const bits = (loss * tokens) / Math.LN2;
  const bitsPerByte = bits / predicted.bytes;
  const bitsPerCharacter = bits / predicted.characters;
  if (options.json) {
    const figures = { loss, perplexity, bitsPerByte, bitsPerCharacter, tokens, ...sizeOf(text) };
    console.log(JSON.stringify({ ...figures, build: engine.build }));
  } else {
    console.log(`loss                ${loss.toFixed(4)} nats per token`);
    console.log(`perplexity          ${perplexity.toFixed(3)} per token`);
    console.log(`bits per byte       ${bitsPerByte.toFixed(4)}`);
    console.log(`bits per character  ${bitsPerCharacter.toFixed(4)}`);
    console.log(`tokens predicted    ${tokens}`);
  }
  engine.close();
}
