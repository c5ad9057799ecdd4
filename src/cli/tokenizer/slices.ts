/** Tokens made visible: what each one is of the text, spaces and line breaks and single bytes included. */
import { ByteLevelBPETokenizer } from "../../text/byte-level-bpe.ts";
import { hexOf } from "../../text/hex.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";

/** A token as one can see it: `·` for a space, `⏎` for a line feed, `<E2 82>` for bytes that are no character. */
export function visibleToken(tokenizer: Tokenizer, id: number): string {
  if (tokenizer instanceof ByteLevelBPETokenizer) return visibleBytes(tokenizer.tokenBytes(id));
  return visibleBytes(new TextEncoder().encode(tokenizer.idToToken(id)));
}

const SIGNS: Record<string, string> = { " ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍" };
/** Controls, which a terminal would obey, and what has no shape of its own. */
const INVISIBLE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]|(?! )\p{Zs}/u;

export function visibleBytes(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let shown = "";
  let hidden: number[] = [];
  const showHidden = (): void => {
    if (hidden.length === 0) return;
    shown += `<${hexOf(hidden)}>`;
    hidden = [];
  };
  for (let i = 0; i < bytes.length; ) {
    const length = characterLength(bytes[i]);
    const part = bytes.subarray(i, i + length);
    let character: string | undefined;
    try {
      character = decoder.decode(part);
    } catch {
      // Not a character: its first byte alone is shown, and the next may begin one.
    }
    const sign = character === undefined ? undefined : (SIGNS[character] ?? character);
    if (sign === undefined || INVISIBLE.test(sign)) {
      hidden.push(...(sign === undefined ? bytes.subarray(i, i + 1) : part));
    } else {
      showHidden();
      shown += sign;
    }
    i += sign === undefined ? 1 : part.length;
  }
  showHidden();
  return shown;
}

/** Of the character in UTF-8 that begins with the byte. */
function characterLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}
