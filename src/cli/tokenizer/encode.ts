import { Command } from "commander";
import { warnUnknown } from "../measure.ts";
import { loadTokenizer } from "../tokenizers.ts";
import { fileOption, givenText, tokenizerOption } from "./files.ts";

interface Options {
  tokenizer: string;
  file?: string;
  json?: boolean;
}

export function encodeCommand(): Command {
  return new Command("encode")
    .description("Print the ids of a text's tokens.")
    .argument("[text]", "text; without it, standard input is read")
    .addOption(tokenizerOption())
    .addOption(fileOption("text"))
    .option("--json", "one JSON array")
    .action(run);
}

async function run(argument: string | undefined, { tokenizer: path, file, json }: Options): Promise<void> {
  const tokenizer = await loadTokenizer(path);
  const text = await givenText(argument, file);
  const ids = tokenizer.encode(text);
  warnUnknown(tokenizer, text, file ?? "the text", ids);
  process.stdout.write(json ? `[${ids.join(",")}]\n` : `${ids.join(" ")}\n`);
}
