/**
 * What a word is, and how words are put together again.
 *
 * A word is a run of letters, marks and digits, with apostrophes inside (don't, l’eau). In scripts that are written
 * without spaces, each character with its marks is a word. Any other visible character is a word of its own, with the
 * marks on it: punctuation, hyphens, symbols; an emoji with what a joiner ties to it; a flag. White space only
 * separates. What is longer than a thousand letters is cut.
 */

const UNSPACED_SCRIPTS = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"];
/** One character of such a script; the extensions bring the sound marks that Hiragana and Katakana share. */
const UNSPACED = `(?=[\\p{L}\\p{Nl}])[${UNSPACED_SCRIPTS.map((name) => `\\p{Script_Extensions=${name}}`).join("")}]`;
/** Zero-width joiner and non-joiner: between letters they shape them, between emoji they join them. */
const JOINERS = "\\u200c\\u200d";
const LETTER = `(?!${UNSPACED})[\\p{L}\\p{N}]`;
// Repetitions have limits: an expression that goes on for millions of characters overflows its stack.
const LETTERS = `(?:(?!${UNSPACED})[\\p{L}\\p{M}\\p{N}${JOINERS}]){1,1000}`;
const MARKS = "[\\p{M}\\p{Emoji_Modifier}]{0,1000}";

/** For regexPreTokenizer; words and the white space between them. */
export const WORD_PATTERN = [
  "\\p{White_Space}{1,1000}",
  `${LETTERS}(?:['’](?=${LETTER})${LETTERS}){0,100}`,
  `${UNSPACED}[\\p{M}${JOINERS}]{0,1000}`,
  `\\p{Regional_Indicator}{2}${MARKS}`,
  `\\P{White_Space}${MARKS}(?:\\u200d\\p{Extended_Pictographic}${MARKS}){0,100}`,
].join("|");

export const STARTS_WITH_SPACE = /^\p{White_Space}/u;

const STARTS_WITH_MARK = /^[\p{M}\p{Emoji_Modifier}\u200c\u200d]/u;
const CLOSING = /^(?![\p{L}\p{M}\p{N}])[\p{Pe}\p{Pf}\p{Terminal_Punctuation}…%]/u;
const OPENING = /^[\p{Ps}\p{Pi}¿¡]/u;
const HYPHEN = /^[-\u2010\u2011]/;
const IDEOGRAPHIC = new RegExp(
  `^(?:${UNSPACED}|(?![\\p{L}\\p{M}\\p{N}])[\\u3000-\\u303f\\uff00-\\uffef])`,
  "u",
);

/**
 * Whether a space is between two words: not before closing punctuation, after opening brackets and quotes, beside
 * hyphens, or between characters of scripts without spaces. Cutting the result gives the two words again.
 */
export function isSpaced(word: string, next: string): boolean {
  // It would become a part of the word.
  if (STARTS_WITH_MARK.test(next)) return true;
  if (CLOSING.test(next) || HYPHEN.test(next) || OPENING.test(word) || HYPHEN.test(word)) return false;
  return !(IDEOGRAPHIC.test(word) && IDEOGRAPHIC.test(next));
}
