import { Command } from "commander";
import { ConfigError, FormatError } from "../../errors.ts";
import type { BPEDescription } from "../../formats/bpe-description.ts";
import { readGPT2Vocabulary } from "../../formats/gpt2-vocabulary.ts";
import { readTiktoken } from "../../formats/tiktoken.ts";
import { bpeTokenizer } from "../../text/read-tokenizer.ts";
import { checkWritable, writeFileAtomic } from "../atomic-write.ts";
import { fileName } from "../options.ts";
import { checkIsOther, readText } from "../setup.ts";
import { asFile } from "./files.ts";

interface Options {
  pattern?: string;
  special?: string[];
  out: string;
}

export function convertCommand(): Command {
  return new Command("convert")
    .description(
      "Make a tokenizer.json from GPT-2's two files, vocab.json and merges.txt, or from a .tiktoken file.",
    )
    .argument("<files...>", "vocab.json and merges.txt, or one .tiktoken file")
    .option(
      "--pattern <pattern>",
      ".tiktoken, which doesn't hold it: gpt2, cl100k or a regular expression (required there)",
    )
    .option(
      "--special <tokens...>",
      "special tokens: of vocab.json their names (default: <|endoftext|>, if it is there); of .tiktoken NAME=ID (default: none)",
    )
    .option("-o, --out <path>", "where the tokenizer is saved", fileName, "tokenizer.json")
    .action(run);
}

async function run(files: string[], options: Options): Promise<void> {
  if (files.length > 2) {
    throw new ConfigError(
      `expected vocab.json and merges.txt, or one .tiktoken file, got ${files.length} files`,
    );
  }
  await checkIsOther("--out", options.out, ...files);
  const read = files.length === 2 ? readTwo(files, options) : readOne(files[0], options);
  const tokenizer = bpeTokenizer(await read);
  await checkWritable(options.out);
  await writeFileAtomic(options.out, asFile(tokenizer.toJSON()));
  console.log(`byte-level BPE: ${tokenizer.vocabSize.toLocaleString("en-US")} tokens`);
  console.log(`saved to ${options.out}`);
}

async function readTwo(
  [vocabulary, merges]: string[],
  { pattern, special }: Options,
): Promise<BPEDescription> {
  if (pattern !== undefined)
    throw new ConfigError("--pattern is for .tiktoken files: GPT-2's have GPT-2's pattern");
  const [vocabularyText, mergesText] = [await readText(vocabulary), await readText(merges)];
  return inFiles([vocabulary, merges], () =>
    readGPT2Vocabulary(vocabularyText, mergesText, { specialTokens: special }),
  );
}

async function readOne(file: string, { pattern, special = [] }: Options): Promise<BPEDescription> {
  if (pattern === undefined) {
    throw new ConfigError(
      "--pattern is needed: a .tiktoken file does not say how text is cut; try --pattern cl100k",
    );
  }
  const names = new Set<string>();
  const specialTokens = Object.fromEntries(
    special.map((text) => {
      const [, name, id] = /^(.+)=(\d+)$/s.exec(text) ?? [];
      if (name === undefined)
        throw new ConfigError(`--special: expected NAME=ID, got ${JSON.stringify(text)}`);
      if (names.has(name)) throw new ConfigError(`--special: ${JSON.stringify(name)} is there twice`);
      names.add(name);
      return [name, Number(id)];
    }),
  );
  const text = await readText(file);
  return inFiles([file], () => readTiktoken(text, { pattern, specialTokens }));
}

/** Says which files an error is in; what is wrong with the options is not in a file. */
function inFiles<T>(files: readonly string[], read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(`${files.join(", ")}: ${error.message}`, { cause: error });
  }
}
