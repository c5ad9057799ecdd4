import type { Tokenizer } from "../text/tokenizer.ts";
import { unknownShare } from "./measure.ts";

/** What lines begin with: two words of prose rather than a heading, or else letters alone. */
const BEGINNINGS = [/^\p{Lu}?\p{Ll}+ \p{Ll}{2,}/gmu, /^[\p{L}\p{M}\p{N}]{1,12}/gmu];
const LONGEST = 40;

/**
 * Where a model may go on from: the beginning of a line of its text, of tokens that it knows. No shell reads anything
 * into it between double quotes. Undefined if there is none near the text's beginning.
 */
export function promptFrom(text: string, tokenizer: Tokenizer): string | undefined {
  const beginning = text.slice(0, 100_000);
  for (const pattern of BEGINNINGS) {
    for (const [words] of beginning.matchAll(pattern)) {
      if (words.length <= LONGEST && unknownShare(tokenizer, tokenizer.encode(words)) === 0) return words;
    }
  }
  return undefined;
}
