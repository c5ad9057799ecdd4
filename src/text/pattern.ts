/**
 * Patterns as Hugging Face's and tiktoken's files write them (Rust's and Oniguruma's syntax), as JavaScript's regular
 * expressions. Not translated, and refused: anchors, look-behind, back-references, named groups, inline flags other than
 * (?i:…) around letters, possessive quantifiers, and classes inside classes.
 *
 * A pattern may come from a stranger's file, so that it may not search for long either: see {@link compilePattern}.
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
  const refuse = (what: string): never => {
    throw new ConfigError(`pattern ${JSON.stringify(source)}: ${what} is not supported`);
  };
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
      // The second copy of the pattern would count its groups anew: a back-reference meant another there.
      if (/[bB1-9]/.test(escaped)) refuse(`\\${escaped}`);
      if (replacement && inSet && replacement.inSet === undefined) refuse(`\\${escaped} in a class`);
      // In a property's name, case is what it is.
      const name = /^[pP]\{[^}]*\}/.exec(source.slice(i))?.[0];
      if (name) i += name.length - 1;
      result += replacement ? (inSet ? replacement.inSet : replacement.alone) : `\\${name ?? escaped}`;
      continue;
    }
    if (inSet) {
      if (c === "[" || source.startsWith("&&", i)) refuse("a class in a class");
      inSet = c !== "]";
    } else if (c === "[") inSet = true;
    // A stream is read in parts, whose ends are not the text's.
    else if (c === "^" || c === "$") refuse(c);
    else if (c === ".") {
      // JavaScript's leaves out more line breaks.
      result += "[^\\n]";
      continue;
    } else if (c === "(") {
      depth++;
      if (source.startsWith("(?i:", i)) {
        ignoringCase.push(depth);
        result += "(?:";
        i += 3;
        continue;
      }
      if (/^\(\?[^:=!]/.test(source.slice(i, i + 3))) refuse(source.slice(i, i + 4));
    } else if (c === ")") {
      if (ignoringCase.at(-1) === depth) ignoringCase.pop();
      depth--;
    }
    if (ignoringCase.length > 0 && inSet && c === "-") refuse("a range inside (?i:…)");
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
