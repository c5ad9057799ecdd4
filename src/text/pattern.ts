/**
 * Patterns as Hugging Face's and tiktoken's files write them (Rust's and Oniguruma's syntax), as JavaScript's regular
 * expressions. Not translated, and refused: anchors, look-behind, back-references, named groups, inline flags other than
 * (?i:…) around letters, possessive quantifiers, and classes inside classes.
 */
import { ConfigError } from "../errors.ts";

/**
 * The pattern as a sticky JavaScript expression. What the pattern doesn't match becomes pieces too, as long as can
 * be: nothing of a text is lost.
 * @throws ConfigError where the pattern's syntax is wrong, or means something else in JavaScript, or it matches the
 *   empty text.
 */
export function compilePattern(source: string): RegExp {
  try {
    const pattern = translate(source);
    // By itself first: the parentheses around it below would close what it leaves open.
    if (new RegExp(pattern, "u").test("")) throw new Error("it matches the empty text: it must not");
    return new RegExp(`(?:${pattern})|(?:(?!${pattern})[^])+`, "yu");
  } catch (cause) {
    throw new ConfigError(`pattern ${JSON.stringify(source)}: ${(cause as Error).message}`, { cause });
  }
}

/** A quantifier, what opens a group, an escape, a class, or one sign. */
const PARTS =
  /(?:[*+?]|\{\d+,?\d*\})\??|\((?:\?(?:i?:|[=!]|.{0,2}))?|\\[pPu]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|./gsu;

const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`;

/** Unicode's classes instead of JavaScript's, whose \s has U+FEFF and lacks U+0085, and whose \d and \w are ASCII. */
const CLASSES: Record<string, string> = {
  "\\s": String.raw`\p{White_Space}`,
  "\\S": String.raw`\P{White_Space}`,
  "\\d": String.raw`\p{Nd}`,
  "\\D": String.raw`\P{Nd}`,
};

/** Outside classes. JavaScript's dot leaves out more line breaks. */
const ALONE: Record<string, string> = { ...CLASSES, "\\w": `[${WORD}]`, "\\W": `[^${WORD}]`, ".": "[^\\n]" };

/**
 * Anchors, since a stream is read in parts, whose ends are not the text's; back-references, since the second copy of the
 * pattern counts its groups anew; and groups of other kinds.
 */
const UNSUPPORTED = /^(?:\\[bB1-9]|[$^]|\(\?(?!i?:|[=!]))/;

/** What may have another case, which {@link casesOf} does not know. */
const FOLDING = /^\\[xupP]|[^\0-\x7f]/;

function translate(source: string): string {
  const refuse = (what: string): never => {
    throw new Error(`${what} is not supported`);
  };
  // In the group that is open, and in those around it.
  let ignoresCase = false;
  const outer: boolean[] = [];
  const checkCase = (part: string): void => {
    if (ignoresCase && FOLDING.test(part)) refuse(`${part} inside (?i:…)`);
  };
  const translateInClass = (part: string): string => {
    checkCase(part);
    if (["[", "&&", "--", "~~", "\\W"].includes(part)) refuse(`${part} in a class`);
    if (ignoresCase && part === "-") refuse("a range inside (?i:…)");
    return part === "\\w" ? WORD : (CLASSES[part] ?? (ignoresCase ? casesOf(part) : part));
  };
  return source.replace(PARTS, (part) => {
    if (UNSUPPORTED.test(part)) refuse(part);
    if (part.length > 1 && part[0] === "[") {
      return `[${part.slice(1, -1).replace(/\\[pPu]\{[^}]*\}|\\.|&&|--|~~|./gsu, translateInClass)}]`;
    }
    checkCase(part);
    if (part === ")") ignoresCase = outer.pop() ?? false;
    if (part[0] === "(") outer.push(ignoresCase);
    if (part === "(?i:") {
      ignoresCase = true;
      return "(?:";
    }
    return ALONE[part] ?? (ignoresCase && casesOf(part) !== part ? `[${casesOf(part)}]` : part);
  });
}

/** Not every runtime knows (?i:…). Long s and the Kelvin sign fold to s and k. */
function casesOf(c: string): string {
  if (!/^[a-zA-Z]$/.test(c)) return c;
  const lower = c.toLowerCase();
  return lower + c.toUpperCase() + (lower === "s" ? "\u017f" : lower === "k" ? "\u212a" : "");
}
