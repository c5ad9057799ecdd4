/**
 * Cuts a text into pieces (words with the space before them, numbers, punctuation, white space) that no token
 * crosses. Every character belongs to exactly one piece. A pre-tokenizer is known by its pattern; the usual ones have
 * scanners, any other runs as a regular expression.
 *
 * What counts as a letter depends on the runtime's version of Unicode.
 */
import { ConfigError } from "../errors.ts";
import { PATTERNS } from "../formats/patterns.ts";
import { compilePattern } from "./pattern.ts";
import { scanCL100K, scanGPT2, scanWhiteSpace } from "./scanners.ts";

/** Where the piece that begins at `start`, which is inside the text, ends. */
export type PreTokenizer = (text: string, start: number) => number;

const SCANNERS: ReadonlyMap<string, PreTokenizer> = new Map([
  [PATTERNS.gpt2, scanGPT2],
  [PATTERNS.cl100k, scanCL100K],
  [PATTERNS.whitespace, scanWhiteSpace],
]);

/** @throws ConfigError for a pattern that {@link compilePattern} refuses. */
export function createPreTokenizer(pattern: string): PreTokenizer {
  return SCANNERS.get(pattern) ?? regexPreTokenizer(pattern);
}

/** The pre-tokenizer of any pattern, known or not. At work it throws a ConfigError for what the pattern can't cut. */
export function regexPreTokenizer(pattern: string): PreTokenizer {
  const regex = compilePattern(pattern);
  return (text, start) => {
    regex.lastIndex = start;
    try {
      regex.test(text);
    } catch (cause) {
      // Runtimes keep a stack of the places to come back to.
      throw new ConfigError(`pattern ${JSON.stringify(pattern)}: the text has too long a piece`, { cause });
    }
    if (regex.lastIndex > start) return regex.lastIndex;
    throw new ConfigError(`pattern ${JSON.stringify(pattern)} matches the empty text: it must not`);
  };
}

/**
 * Calls visit with the start and end of each piece of the text, in order, until it returns false. `from`: where a
 * piece begins.
 */
export function forEachPiece(
  text: string,
  pieceEnd: PreTokenizer,
  visit: (start: number, end: number) => boolean,
  from = 0,
): void {
  for (let start = from; start < text.length; ) {
    const end = pieceEnd(text, start);
    if (!visit(start, end)) return;
    start = end;
  }
}
