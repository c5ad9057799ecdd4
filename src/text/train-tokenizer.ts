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
  vocabSize?: number;
  minFrequency?: number;
  specialTokens?: readonly string[];
  pattern?: string;
  maxTokenLength?: number;
  lowercase?: boolean;
  onProgress?: (progress: BPEProgress) => void;
  signal?: AbortSignal;
}

/** @throws ConfigError for an unknown kind or an option out of range, FormatError for a stream that is not UTF-8. */
export async function trainTokenizer(
  kind: TokenizerKind,
  source: TextSource,
  options: TrainTokenizerOptions,
): Promise<Tokenizer> {
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
    default:
      throw new ConfigError(
        `the kind must be one of ${TOKENIZER_KINDS.join(", ")}, got ${JSON.stringify(kind)}`,
      );
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
