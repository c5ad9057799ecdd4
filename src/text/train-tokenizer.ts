/** A tokenizer of any kind, learnt from texts. */

import { ConfigError } from "../errors.ts";
import type { BPEProgress } from "./bpe/training.ts";
import { ByteLevelBPETokenizer } from "./byte-level-bpe.ts";
import { CharacterBPETokenizer } from "./character-bpe.ts";
import { CharacterTokenizer } from "./character-tokenizer.ts";
import { regexPreTokenizer } from "./pre-tokenizer.ts";
import { readPieces, type TextSource } from "./text-source.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { WordTokenizer } from "./word-tokenizer.ts";

export const TOKENIZER_KINDS = ["bpe", "char-bpe", "word", "char"] as const;
export type TokenizerKind = (typeof TOKENIZER_KINDS)[number];

/** For those that can have any size. */
export const DEFAULT_VOCAB_SIZE = 4096;

export interface TrainTokenizerOptions {
  /** For bpe, char-bpe: tokens in all; for word: the most tokens. Default 4096. */
  vocabSize?: number;
  /** For bpe, char-bpe: pairs that come more rarely are not merged; for word: such words become `<unk>`. Default 2. */
  minFrequency?: number;
  /** For bpe: how text is cut into pieces: `"gpt2"` (default), `"cl100k"`, or a regular expression's source. */
  pattern?: string;
  /** For bpe, char-bpe: merged tokens have fewer bytes (bpe) or characters than this. Default: any length. */
  maxTokenLength?: number;
  /** For word: whether words are read in lower case. Default false. */
  lowercase?: boolean;
  /** Tokens that stand for no text, such as `<|endoftext|>`. A text is not searched for them. Default none. */
  specialTokens?: readonly string[];
  /** Hears, every now and then, how far the training is. */
  onProgress?: (progress: BPEProgress) => void;
  /** Stops the training: it then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Which options not every kind has. */
const OPTIONS_OF: Record<TokenizerKind, readonly (keyof TrainTokenizerOptions)[]> = {
  bpe: ["vocabSize", "minFrequency", "pattern", "maxTokenLength"],
  "char-bpe": ["vocabSize", "minFrequency", "maxTokenLength"],
  word: ["vocabSize", "minFrequency", "lowercase"],
  char: [],
};

/**
 * @throws ConfigError for an unknown kind, an option that the kind doesn't have or one out of range; FormatError for a
 *   stream that is not UTF-8.
 */
export async function trainTokenizer(
  kind: TokenizerKind,
  source: TextSource,
  options: TrainTokenizerOptions = {},
): Promise<Tokenizer> {
  checkTokenizerOptions(kind, options);
  const sized = { ...options, vocabSize: options.vocabSize ?? DEFAULT_VOCAB_SIZE };
  switch (kind) {
    case "bpe":
      return ByteLevelBPETokenizer.train(source, sized);
    case "char-bpe":
      return CharacterBPETokenizer.train(source, sized);
    case "word":
      return WordTokenizer.train(source, sized);
    case "char":
      return CharacterTokenizer.train(await charactersOf(source, options), options);
  }
}

/** @throws ConfigError for an unknown kind, or an option that it doesn't have. */
export function checkTokenizerOptions(kind: TokenizerKind, options: TrainTokenizerOptions): void {
  if (!TOKENIZER_KINDS.includes(kind)) {
    throw new ConfigError(
      `the kind must be one of ${TOKENIZER_KINDS.join(", ")}, got ${JSON.stringify(kind)}`,
    );
  }
  for (const name of new Set(Object.values(OPTIONS_OF).flat())) {
    if (options[name] === undefined || OPTIONS_OF[kind].includes(name)) continue;
    const others = TOKENIZER_KINDS.filter((other) => OPTIONS_OF[other].includes(name));
    throw new ConfigError(`${name}: ${kind} has no such option, only ${others.join(", ")}`);
  }
}

/** The distinct characters of texts that need not fit the memory. */
async function charactersOf(
  source: TextSource,
  { onProgress, signal }: TrainTokenizerOptions,
): Promise<string> {
  const characters = new Set<string>();
  const add = (text: string, start: number, end: number): void => {
    for (const character of text.slice(start, end)) characters.add(character);
  };
  await readPieces(source, regexPreTokenizer("[^]{1,1024}"), add, {
    onProgress: (characters) => onProgress?.({ phase: "count", characters }),
    signal,
  });
  return [...characters].join("");
}
