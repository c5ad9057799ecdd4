/** The usual patterns of pre-tokenizers, in the syntax of Hugging Face's and tiktoken's files, where they come from. */

export const PATTERNS = {
  /** Radford et al. 2019, as in the released encoder.py. */
  gpt2: String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  /** GPT-3.5's and GPT-4's: contractions in any case, at most three digits, line breaks with what precedes them. */
  cl100k: String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  /** Words are what stands between white space (Sennrich et al. 2016, whose text was split into words before). */
  whitespace: String.raw`\S+|\s+`,
} as const;

export type PatternName = keyof typeof PATTERNS;

/** The pattern of that name; what is no name is a pattern itself. */
export function patternSource(nameOrSource: string): string {
  return Object.hasOwn(PATTERNS, nameOrSource) ? PATTERNS[nameOrSource as PatternName] : nameOrSource;
}
