/** Tokenizers for the commands: trained by kind, or read from files. */
import { ConfigError, FileError, FormatError } from "../errors.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import { ByteLevelBPETokenizer } from "../text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../text/character-bpe.ts";
import { CharacterTokenizer } from "../text/character-tokenizer.ts";
import { readPieces, type TextSource } from "../text/text-source.ts";
import { type Tokenizer, tokenizerFromJSON } from "../text/tokenizer.ts";
import { WordTokenizer } from "../text/word-tokenizer.ts";
import { readFileChecked } from "./atomic-write.ts";
import { about, textOf } from "./setup.ts";

export const KINDS = ["bpe", "char-bpe", "word", "char"] as const;
export type Kind = (typeof KINDS)[number];

/** For those that can have any size. */
export const DEFAULT_VOCAB_SIZE = 4096;

export interface TrainTokenizerOptions {
  vocabSize?: number;
  minFrequency?: number;
  specialTokens?: readonly string[];
  pattern?: string;
  maxTokenLength?: number;
  lowercase?: boolean;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export type Progress =
  | { phase: "count"; characters: number }
  | { phase: "merge"; tokens: number; vocabSize: number };

/** Which options each kind has; `--special` is for all. */
const OPTIONS_OF: Record<Kind, readonly string[]> = {
  bpe: ["vocabSize", "minFrequency", "pattern", "maxTokenLength"],
  "char-bpe": ["vocabSize", "minFrequency", "maxTokenLength"],
  word: ["vocabSize", "minFrequency", "lowercase"],
  char: [],
};

/** @throws ConfigError if one of the options, by name and flag, is given to a kind that doesn't have it. */
export function checkOptionsOf(kind: Kind, flags: Readonly<Record<string, string>>, given: object): void {
  for (const [name, flag] of Object.entries(flags)) {
    if ((given as Record<string, unknown>)[name] === undefined || OPTIONS_OF[kind].includes(name)) continue;
    const others = KINDS.filter((other) => OPTIONS_OF[other].includes(name));
    throw new ConfigError(`${flag} is for ${others.join(", ")}: ${kind} has no such option`);
  }
}

export async function trainTokenizer(
  kind: Kind,
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
  await readPieces(source, "[^]{1,1024}", add, {
    onProgress: (characters) => onProgress?.({ phase: "count", characters }),
    signal,
  });
  return [...characters].join("");
}

/**
 * The tokenizer in a tokenizer.json, or in a model's file.
 * @throws FileError or FormatError, saying the path.
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  const bytes = await readFileChecked(path);
  return about(path, () => {
    let json = "";
    if (isSafetensors(bytes)) {
      const { tokenizer } = readSafetensors(bytes).metadata;
      if (tokenizer === undefined) throw new FormatError("the model holds no tokenizer");
      json = tokenizer;
    } else {
      json = textOf(bytes, "the file");
    }
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (cause) {
      throw new FormatError(`expected a tokenizer.json or a model: ${(cause as Error).message}`, { cause });
    }
    return tokenizerFromJSON(value);
  });
}

/** A kind, or else a file. @throws ConfigError if there is no such file either. */
export async function loadNamedTokenizer(name: string): Promise<Tokenizer> {
  try {
    return await loadTokenizer(name);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ConfigError(`--tokenizer: expected ${KINDS.join(", ")} or a file: ${error.message}`, {
      cause: error,
    });
  }
}

export function isKind(name: string): name is Kind {
  return (KINDS as readonly string[]).includes(name);
}

/** They begin with the length of a JSON header in 8 bytes, of which the last is 0; no text has a NUL there. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > 8 && bytes[7] === 0 && bytes[8] === 0x7b;
}
