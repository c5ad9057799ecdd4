/** Tokenizers for the commands: trained by kind, or read from files. */
import { ConfigError, FileError, FormatError } from "../errors.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import { type Tokenizer, tokenizerFromJSON } from "../text/tokenizer.ts";
import { TOKENIZER_KINDS, type TokenizerKind } from "../text/train-tokenizer.ts";
import { readFileChecked } from "./atomic-write.ts";
import { about, textOf } from "./setup.ts";

/** Which options each kind has; `--special` is for all. */
const OPTIONS_OF: Record<TokenizerKind, readonly string[]> = {
  bpe: ["vocabSize", "minFrequency", "pattern", "maxTokenLength"],
  "char-bpe": ["vocabSize", "minFrequency", "maxTokenLength"],
  word: ["vocabSize", "minFrequency", "lowercase"],
  char: [],
};

/** @throws ConfigError if one of the options, by name and flag, is given to a kind that doesn't have it. */
export function checkOptionsOf(
  kind: TokenizerKind,
  flags: Readonly<Record<string, string>>,
  given: object,
): void {
  for (const [name, flag] of Object.entries(flags)) {
    if ((given as Record<string, unknown>)[name] === undefined || OPTIONS_OF[kind].includes(name)) continue;
    const others = TOKENIZER_KINDS.filter((other) => OPTIONS_OF[other].includes(name));
    throw new ConfigError(`${flag} is for ${others.join(", ")}: ${kind} has no such option`);
  }
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
    throw new ConfigError(`--tokenizer: expected ${TOKENIZER_KINDS.join(", ")} or a file: ${error.message}`, {
      cause: error,
    });
  }
}

export function isKind(name: string): name is TokenizerKind {
  return (TOKENIZER_KINDS as readonly string[]).includes(name);
}

/** They begin with the length of a JSON header in 8 bytes, of which the last is 0; no text has a NUL there. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > 8 && bytes[7] === 0 && bytes[8] === 0x7b;
}
