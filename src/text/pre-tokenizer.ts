/**
 * Cuts a text into pieces (words with the space before them, numbers, punctuation, white space) that no token
 * crosses. A pre-tokenizer is a regular expression; every character belongs to exactly one piece.
 *
 * Patterns are written as in Hugging Face's and tiktoken's files (Rust and Oniguruma syntax), since that is where
 * they come from, and are translated. What counts as a letter depends on the runtime's version of Unicode.
 */
import { ConfigError } from "../errors.ts";

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

/**
 * The pattern as a sticky JavaScript expression. What the pattern doesn't match becomes pieces too, as long as can
 * be: nothing of a text is lost.
 * @throws ConfigError where the pattern's syntax is wrong, or means something else in JavaScript.
 */
export function compilePattern(source: string): RegExp {
  const pattern = translate(source);
  try {
    return new RegExp(`(?:${pattern})|(?:(?!${pattern})[^])+`, "yu");
  } catch (cause) {
    throw new ConfigError(`pattern ${JSON.stringify(source)}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Calls visit with the start and end of each piece of the text, in order, until it returns false. `from`: where a
 * piece begins.
 * @throws ConfigError if the pattern matches the empty text.
 */
export function forEachPiece(
  text: string,
  pattern: RegExp,
  visit: (start: number, end: number) => boolean,
  from = 0,
): void {
  pattern.lastIndex = from;
  for (let start = from; start < text.length; ) {
    pattern.test(text);
    const end = pattern.lastIndex;
    if (end <= start) throw new ConfigError(`pattern ${pattern.source} matches the empty text: it must not`);
    if (!visit(start, end)) return;
    // visit may have run the pattern on another text.
    pattern.lastIndex = start = end;
  }
}

const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`;

/** Unicode's classes instead of JavaScript's, whose \s has U+FEFF and lacks U+0085, and whose \d and \w are ASCII. */
const CLASSES: Record<string, { inSet?: string; alone: string }> = {
  s: { inSet: String.raw`\p{White_Space}`, alone: String.raw`\p{White_Space}` },
  S: { inSet: String.raw`\P{White_Space}`, alone: String.raw`\P{White_Space}` },
  d: { inSet: String.raw`\p{Nd}`, alone: String.raw`\p{Nd}` },
  D: { inSet: String.raw`\P{Nd}`, alone: String.raw`\P{Nd}` },
  w: { inSet: WORD, alone: `[${WORD}]` },
  W: { alone: `[^${WORD}]` },
};

function translate(source: string): string {
  let result = "";
  let inSet = false;
  // The depth of the group, and at which depth each (?i: began.
  let depth = 0;
  const ignoringCase: number[] = [];
  for (let i = 0; i < source.length; i++) {
    const c = source[i];
    if (c === "\\") {
      const escaped = source[++i] ?? "";
      const replacement = Object.hasOwn(CLASSES, escaped) ? CLASSES[escaped] : undefined;
      if (escaped === "b" || escaped === "B" || (replacement && inSet && replacement.inSet === undefined)) {
        throw new ConfigError(`pattern ${JSON.stringify(source)}: \\${escaped} is not supported here`);
      }
      // In a property's name, case is what it is.
      const name = /^[pP]\{[^}]*\}/.exec(source.slice(i))?.[0];
      if (name) i += name.length - 1;
      result += replacement ? (inSet ? replacement.inSet : replacement.alone) : `\\${name ?? escaped}`;
      continue;
    }
    if (inSet) inSet = c !== "]";
    else if (c === "[") inSet = true;
    else if (c === "(") {
      depth++;
      if (source.startsWith("(?i:", i)) {
        ignoringCase.push(depth);
        result += "(?:";
        i += 3;
        continue;
      }
    } else if (c === ")") {
      if (ignoringCase.at(-1) === depth) ignoringCase.pop();
      depth--;
    }
    if (ignoringCase.length > 0 && inSet && c === "-") {
      throw new ConfigError(`pattern ${JSON.stringify(source)}: a range inside (?i:…) is not supported`);
    }
    result += ignoringCase.length > 0 ? anyCase(c, inSet) : c;
  }
  return result;
}

/** Not every runtime knows (?i:…). Long s and the Kelvin sign fold to s and k. */
function anyCase(c: string, inSet: boolean): string {
  if (!/[a-zA-Z]/.test(c)) return c;
  const lower = c.toLowerCase();
  const all = lower + c.toUpperCase() + (lower === "s" ? "\u017f" : lower === "k" ? "\u212a" : "");
  return inSet ? all : `[${all}]`;
}
