/**
 * Patterns as Hugging Face's and tiktoken's files write them (Rust's and Oniguruma's syntax), as JavaScript's regular
 * expressions. Look-behind, inline flags other than (?i:…) around letters, and possessive quantifiers aren't translated.
 */
import { ConfigError } from "../errors.ts";

/**
 * The pattern as a sticky JavaScript expression. What the pattern doesn't match becomes pieces too, as long as can
 * be: nothing of a text is lost.
 * @throws ConfigError where the pattern's syntax is wrong, or means something else in JavaScript, or it matches the
 *   empty text.
 */
export function compilePattern(source: string): RegExp {
  const pattern = translate(source);
  try {
    // By itself first: the parentheses around it below would close what it leaves open.
    if (new RegExp(pattern, "u").test("")) throw new Error("it matches the empty text, which it must not");
    return new RegExp(`(?:${pattern})|(?:(?!${pattern})[^])+`, "yu");
  } catch (cause) {
    throw new ConfigError(`pattern ${JSON.stringify(source)}: ${(cause as Error).message}`, { cause });
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
