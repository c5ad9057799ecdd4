/** From texts to a vocabulary: counts the pieces of the texts, and learns merges from the counts. */
import { ConfigError } from "../../errors.ts";
import { createPacer } from "../../macrotask.ts";
import type { PreTokenizer } from "../pre-tokenizer.ts";
import { readPieces, type TextSource } from "../text-source.ts";
import { checkSpecialTokens } from "../unknown.ts";
import { grown } from "./growable.ts";
import { PieceTable } from "./piece-table.ts";
import { type CountedWords, trainMerges } from "./train.ts";

export interface CountOptions {
  /** Hears, every now and then, how much of the texts has been read. */
  onProgress?: (progress: { phase: "count"; characters: number }) => void;
  /** Stops the training: it then throws the signal's reason. */
  signal?: AbortSignal;
}

export interface BPETrainingOptions extends CountOptions {
  /** Tokens in all: special tokens, first symbols (256 bytes, or the texts' characters) and merges. */
  vocabSize: number;
  /** Pairs that come more rarely are not merged. Default 2. */
  minFrequency?: number;
  /** They get the first ids. A text is not searched for them. Default none. */
  specialTokens?: readonly string[];
  /**
   * No merge gives a token of so many bytes (byte-level) or characters, or more; but tokens of two there are always,
   * as in Hugging Face's trainer. Default: any length.
   */
  maxTokenLength?: number;
  onProgress?: (progress: BPEProgress) => void;
}

/** First the texts are read, then merges are made, so that there are `tokens` of `vocabSize`. */
export type BPEProgress =
  | { phase: "count"; characters: number }
  | { phase: "merge"; tokens: number; vocabSize: number };

export interface PieceCounts {
  /** The distinct pieces, in the order in which they first came. */
  pieces: readonly string[];
  counts: Float64Array;
}

/** The pieces that the source's texts are cut into. Of a stream, nothing else stays in memory. */
export async function countPieces(
  source: TextSource,
  preTokenizer: PreTokenizer,
  { onProgress, signal }: CountOptions,
): Promise<PieceCounts> {
  const table = new PieceTable();
  let counts = new Float64Array(1 << 12);
  const count = (text: string, start: number, end: number): void => {
    const piece = table.numberOf(text, start, end);
    counts = grown(counts, piece + 1);
    counts[piece]++;
  };
  await readPieces(source, preTokenizer, count, {
    onProgress: onProgress && ((characters) => onProgress({ phase: "count", characters })),
    signal,
  });
  return { pieces: Array.from({ length: table.size }, (_, i) => table.pieceAt(i)), counts };
}

/** As trainMerges, with pauses and reports. */
export async function learnMerges(
  tokens: string[],
  words: CountedWords,
  { vocabSize, minFrequency = 2, maxTokenLength = Infinity, onProgress, signal }: BPETrainingOptions,
): Promise<Int32Array> {
  const pace = createPacer();
  const merging = trainMerges(tokens, words, { vocabSize, minFrequency, maxLength: maxTokenLength });
  for (;;) {
    const { done, value } = merging.next();
    if (done) {
      onProgress?.({ phase: "merge", tokens: tokens.length, vocabSize });
      return value;
    }
    const pause = pace();
    if (pause) {
      onProgress?.({ phase: "merge", tokens: value, vocabSize });
      await pause;
      signal?.throwIfAborted();
    }
  }
}

/** @throws ConfigError for an option outside its range, or special tokens that are not distinct, well-formed strings. */
export function checkTrainingOptions(options: BPETrainingOptions): void {
  const { vocabSize, minFrequency = 2, specialTokens = [], maxTokenLength = Infinity } = options;
  checkPositive("vocabSize", vocabSize);
  checkPositive("minFrequency", minFrequency);
  if (maxTokenLength !== Infinity) checkPositive("maxTokenLength", maxTokenLength);
  checkSpecialTokens(specialTokens, [""]);
}

/** @throws ConfigError unless the option's value is an integer from 1. */
export function checkPositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new ConfigError(`${name}: expected a positive integer, got ${value}`);
  }
}
