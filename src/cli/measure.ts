/** What a tokenizer makes of a text, in numbers and in warnings. */
import { ByteLevelBPETokenizer } from "../text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../text/character-bpe.ts";
import { CharacterTokenizer } from "../text/character-tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { WordTokenizer } from "../text/word-tokenizer.ts";
import { withoutControls } from "./colours.ts";

/** How a tokenizer is called in what the commands print. */
export function nameOf({ kind }: Tokenizer): string {
  const names: Record<string, string> = {
    "byte-level-bpe": "byte-level BPE",
    "character-bpe": "character BPE",
    word: "words",
    character: "characters",
  };
  return names[kind] ?? kind;
}

/** The id of what the tokenizer doesn't know, if there can be such a thing. */
export function unknownIdOf(tokenizer: Tokenizer): number | undefined {
  if (tokenizer instanceof ByteLevelBPETokenizer) return undefined;
  if (!(tokenizer instanceof CharacterBPETokenizer)) return tokenizer.tokenToId("<unk>");
  const { unknownToken } = tokenizer.description;
  return unknownToken === undefined ? undefined : tokenizer.tokenToId(unknownToken);
}

/** The share of ids, 0 to 1, that stand for something unknown. */
export function unknownShare(tokenizer: Tokenizer, ids: Int32Array): number {
  const unknown = unknownIdOf(tokenizer);
  let count = 0;
  for (const id of ids) if (id === unknown) count++;
  return ids.length === 0 ? 0 : count / ids.length;
}

export interface Size {
  characters: number;
  /** In UTF-8. */
  bytes: number;
}

export function sizeOf(text: string): Size {
  let characters = 0;
  for (const _ of text) characters++;
  return { characters, bytes: Buffer.byteLength(text) };
}

/** The size of what a model predicts of a text: all but the first token, which is only read. */
export function predictedSize(tokenizer: Tokenizer, text: string, ids: Int32Array): Size {
  const { characters, bytes } = sizeOf(text);
  const first = sizeOf(tokenizer.decode(ids.subarray(0, 1)));
  // The first token may be less than a character.
  if (tokenizer instanceof ByteLevelBPETokenizer) first.bytes = tokenizer.tokenBytes(ids[0]).length;
  return { characters: Math.max(1, characters - first.characters), bytes: Math.max(1, bytes - first.bytes) };
}

/** Says, on standard error, what of a text the tokenizer doesn't know. `ids`: the text's. */
export function warnUnknown(
  tokenizer: Tokenizer | undefined,
  text: string,
  what: string,
  ids = tokenizer?.encode(text),
): void {
  if (!tokenizer || !ids) return;
  const share = unknownShare(tokenizer, ids);
  if (share === 0) return;
  const percent = `${(100 * share).toFixed(share < 0.001 ? 4 : 2)} % of its tokens`;
  if (tokenizer instanceof CharacterTokenizer) {
    const unknown = listed(tokenizer.unknownCharacters(text));
    console.error(`warning: ${what} has characters that the model never saw, read as <unk>: ${unknown}`);
  } else if (tokenizer instanceof WordTokenizer) {
    const unknown = listed(tokenizer.unknownWords(text));
    console.error(`warning: ${what} has words outside the vocabulary, ${percent}, read as <unk>: ${unknown}`);
  } else {
    console.error(`warning: ${what} has characters outside the vocabulary, ${percent}, read as unknown`);
  }
}

function listed(unknown: readonly string[]): string {
  // JSON leaves controls of another time, which a terminal may obey.
  const shown = unknown.slice(0, 20).map((text) => withoutControls(JSON.stringify(text)));
  return shown.join(" ") + (unknown.length > 20 ? ` and ${unknown.length - 20} more` : "");
}
