import { Command } from "commander";
import { FormatError } from "../../errors.ts";
import { ByteLevelBPETokenizer } from "../../text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../../text/character-bpe.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import {
  checkTokenizerOptions,
  DEFAULT_VOCAB_SIZE,
  TOKENIZER_KINDS,
  type TokenizerKind,
  trainTokenizer,
} from "../../text/train-tokenizer.ts";
import { checkWritable, fileSize, writeFileAtomic } from "../atomic-write.ts";
import { interruptSignal } from "../interruption.ts";
import { nameOf, sizeOf, unknownShare } from "../measure.ts";
import { choice, fileName, integer } from "../options.ts";
import { tokenizerProgress } from "../progress.ts";
import { quoted } from "../quoted.ts";
import { checkIsOther } from "../setup.ts";
import { asFile } from "./files.ts";
import { Texts } from "./texts.ts";

interface Options {
  type: TokenizerKind;
  vocabSize?: number;
  minFrequency?: number;
  special?: string[];
  pattern?: string;
  maxTokenLength?: number;
  lowercase?: boolean;
  out: string;
}

export function trainTokenizerCommand(): Command {
  return new Command("train")
    .description("Learn a vocabulary from text files, which need not fit the memory.")
    .argument("<files...>", "UTF-8 texts")
    .addOption(
      choice(
        "--type <kind>",
        "bpe is over bytes, char-bpe over the characters of words",
        TOKENIZER_KINDS,
        "bpe",
      ),
    )
    .option(
      "--vocab-size <tokens>",
      `tokens in all; for word the most (default: ${DEFAULT_VOCAB_SIZE}; char: all characters)`,
      integer(1),
    )
    .option(
      "--min-frequency <number>",
      "pairs to be merged, or words, must come so often (default: 2)",
      integer(1),
    )
    .option("--special <tokens...>", "special tokens, such as <|endoftext|> (default: none)")
    .option(
      "--pattern <pattern>",
      "bpe: how text is cut before merging: gpt2, cl100k or a regular expression (default: gpt2)",
    )
    .option(
      "--max-token-length <number>",
      "bpe, char-bpe: tokens are shorter than so many bytes or characters, 3 or more (default: any length)",
      integer(3),
    )
    .option("--lowercase", "word: read words in lower case")
    .option("-o, --out <path>", "where the tokenizer is saved", fileName, "tokenizer.json")
    .action(run);
}

async function run(files: string[], options: Options): Promise<void> {
  const { type, special: specialTokens, out } = options;
  checkTokenizerOptions(type, options);
  await checkIsOther("--out", out, ...files);
  await checkWritable(out);
  let bytes = 0;
  for (const file of files) bytes += await fileSize(file);
  const start = performance.now();
  const signal = interruptSignal();
  const { onProgress, stop: stopProgress } = tokenizerProgress(bytes);
  const texts = new Texts(files);
  let tokenizer: Tokenizer;
  try {
    tokenizer = await trainTokenizer(type, texts, {
      ...options,
      specialTokens,
      onProgress,
      signal,
    });
  } catch (error) {
    throw error instanceof FormatError ? texts.about(error) : error;
  } finally {
    stopProgress();
  }
  if (texts.beginning === "") throw new FormatError(`${files.join(", ")}: expected text, got none`);
  const seconds = (performance.now() - start) / 1000;
  await writeFileAtomic(out, asFile(tokenizer.toJSON()));
  report(tokenizer, seconds, texts);
  console.log(`saved to ${out}`);
  console.log(`try:  npx unrolled tokenizer show "The unbelievable refrigerator" --tokenizer ${quoted(out)}`);
}

function report(tokenizer: Tokenizer, seconds: number, texts: Texts): void {
  const merges =
    tokenizer instanceof ByteLevelBPETokenizer || tokenizer instanceof CharacterBPETokenizer
      ? `, ${count(tokenizer.description.merges.length / 4)} of them merges`
      : "";
  console.log(
    `${nameOf(tokenizer)}: ${count(tokenizer.vocabSize)} tokens${merges}, learnt in ${seconds.toFixed(1)} s`,
  );
  const ids = tokenizer.encode(texts.beginning);
  if (ids.length === 0) return;
  const { bytes, characters } = sizeOf(texts.beginning);
  const unknown = unknownShare(tokenizer, ids);
  console.log(
    `${texts.isLonger ? "the first megabyte" : "the text"} is ${count(ids.length)} tokens: ${(bytes / ids.length).toFixed(2)} bytes, ` +
      `${(characters / ids.length).toFixed(2)} characters per token` +
      (unknown > 0 ? `; ${(100 * unknown).toFixed(2)} % are <unk>` : ""),
  );
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}
