import { Command } from "commander";
import { generate } from "../generate/generate.ts";
import { loadLanguageModel } from "../models/model-file.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { readFileChecked } from "./atomic-write.ts";
import { forOutput } from "./colours.ts";
import { warnUnknown } from "./measure.ts";
import { integer, numericsOption, real, wideOption } from "./options.ts";
import { about, openEngine } from "./setup.ts";

interface Options {
  prompt?: string;
  length: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  numerics: "fast" | "reproducible";
  wide?: boolean;
  json?: boolean;
}

export function generateCommand(): Command {
  return new Command("generate")
    .description("Continue a prompt with a trained model, token by token.")
    .argument("<model>", "model file, as `unrolled train` saved it")
    .option("-p, --prompt <text>", "text to go on from (default: a line feed, or a full stop for words)")
    .option("-n, --length <tokens>", "tokens to generate", integer(0), 500)
    .option("-t, --temperature <number>", "below 1 safer, above 1 wilder, 0 the likeliest", real(0), 0.8)
    .option("--top-k <number>", "draw from the k likeliest tokens (default: all)", integer(1))
    .option(
      "--top-p <number>",
      "draw from the likeliest tokens that sum to this probability (default: 1)",
      real(0, 1),
    )
    .option("-s, --seed <number>", "seed of the random numbers", integer(0), 0)
    .addOption(numericsOption())
    .addOption(wideOption())
    .option("--json", "one JSON object a token")
    .action(run);
}

async function run(path: string, options: Options): Promise<void> {
  const bytes = await readFileChecked(path);
  const engine = await openEngine({ numerics: options.numerics, wide: options.wide });
  const { model } = about(path, () => loadLanguageModel(engine, bytes));
  const { prompt = defaultPrompt(model.tokenizer), json } = options;
  warnUnknown(model.tokenizer, prompt, "the prompt");
  const write = (text: string): void => {
    process.stdout.write(forOutput(text));
  };
  if (!json && options.prompt?.trim()) write(prompt);
  for await (const token of generate(model, prompt, options)) {
    write(json ? `${JSON.stringify(token)}\n` : token.text);
  }
  if (!json) write("\n");
  engine.close();
}

/** Something that a text begins after. Some tokenizers have no token for white space. */
function defaultPrompt(tokenizer: Tokenizer | undefined): string {
  return tokenizer?.encode("\n").length === 0 ? "." : "\n";
}
