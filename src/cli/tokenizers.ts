/** Tokenizers for the commands: trained by kind, or read from files. */
import { ConfigError, FileError, FormatError } from "../errors.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import { tokenizerFromJSON } from "../text/read-tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { TOKENIZER_KINDS, type TokenizerKind } from "../text/train-tokenizer.ts";
import { readFileChecked } from "./atomic-write.ts";
import { about, textOf } from "./setup.ts";

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
