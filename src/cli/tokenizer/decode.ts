import { once } from "node:events";
import { Command } from "commander";
import { ConfigError, FormatError } from "../../errors.ts";
import { readChunks } from "../atomic-write.ts";
import { forOutput } from "../colours.ts";
import { loadTokenizer } from "../tokenizers.ts";
import { fileOption, tokenizerOption } from "./files.ts";

interface Options {
  tokenizer: string;
  file?: string;
  skipSpecial?: boolean;
}

export function decodeCommand(): Command {
  return new Command("decode")
    .description("Print the text of token ids, as far as it is certain with each of them.")
    .argument("[ids...]", "ids, separated by white space or as JSON; without them, standard input is read")
    .addOption(tokenizerOption())
    .addOption(fileOption("ids"))
    .option("--skip-special", "leave special tokens out of the text")
    .action(run);
}

async function run(given: string[], { tokenizer: path, file, skipSpecial }: Options): Promise<void> {
  if (given.length > 0 && file !== undefined) {
    throw new ConfigError("ids as arguments and --file exclude each other");
  }
  const tokenizer = await loadTokenizer(path);
  if (given.length > 0) {
    const words = given.join(" ").split(SEPARATORS);
    const ids = words.filter((word) => word !== "").map(idOf);
    await write(tokenizer.decode(ids, { skipSpecial }));
  } else {
    const decoder = tokenizer.createDecoder({ skipSpecial });
    try {
      for await (const id of idsIn(file === undefined ? process.stdin : readChunks(file)))
        await write(decoder.push(id));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new FormatError(`${file ?? "standard input"}: ${error.message}`, { cause: error });
    }
    await write(decoder.flush());
  }
  // A file must get the text alone; a prompt wants a line of its own.
  if (process.stdout.isTTY) await write("\n");
}

async function write(text: string): Promise<void> {
  if (text !== "" && !process.stdout.write(forOutput(text))) await once(process.stdout, "drain");
}

const SEPARATORS = /[\s,[\]]+/;

/** The numbers in a text that comes in pieces, which may cut a number in two. */
async function* idsIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<number> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    const words = (rest + decoder.decode(piece, { stream: true })).split(SEPARATORS);
    rest = words.pop()!;
    for (const word of words) if (word !== "") yield idOf(word);
  }
  if (rest !== "") yield idOf(rest);
}

function idOf(word: string): number {
  if (!/^\d+$/.test(word))
    throw new ConfigError(`expected token ids, got ${JSON.stringify(word.slice(0, 40))}`);
  return Number(word);
}
