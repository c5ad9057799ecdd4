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
 *
 * In a run of 32 characters a pattern may have at most 2²⁰ ways to match, if alternatives and the lengths of repetitions
 * are multiplied. So what is repeated without end may neither have alternatives nor repeat anything itself, and no
 * pattern takes time that is exponential in a text's length; but it may take a power of the length, up to the fifth.
 * @throws ConfigError where the pattern's syntax is wrong, or means something else in JavaScript, or it matches the
 *   empty text or in too many ways.
 */
export function compilePattern(source: string): RegExp {
  const pattern = translate(source);
  try {
    // By itself first: the parentheses around it below would close what it leaves open.
    const alone = new RegExp(pattern, "u");
    checkWays(pattern);
    if (alone.test("")) throw new Error("it matches the empty text, which it must not");
    return new RegExp(`(?:${pattern})|(?:(?!${pattern})[^])+`, "yu");
  } catch (cause) {
    throw new ConfigError(`pattern ${JSON.stringify(source)}: ${(cause as Error).message}`, { cause });
  }
}

const RUN = 32;
const MOST_WAYS = 2 ** 20;
/** What opens a group, a quantifier with its bounds, what may hold signs that mean nothing there, or one sign. */
const PARTS = /\((?:\?[:=!])?|(?:[*+?]|\{(\d+)(,?)(\d*)\})\??|\\[pPu]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|./gsu;

/** Throws if the pattern, one that JavaScript takes, has more ways to match than it may. */
function checkWays(pattern: string): void {
  // Of each group that is open: the ways of the alternatives before, of this one, and of this one's last part.
  const open = [{ before: 0, ways: 1, last: 1 }];
  for (const [part, from, comma, to] of pattern.matchAll(PARTS)) {
    let group = open[open.length - 1];
    let last = 1;
    if (part[0] === "(") {
      open.push({ before: 0, ways: 1, last });
      continue;
    }
    if (part === "|") {
      group.before += group.ways;
      group.ways = 1;
    } else if (part === ")") {
      last = group.before + group.ways;
      open.pop();
      group = open[open.length - 1];
      group.ways *= last;
    } else if (from !== undefined || "*+?".includes(part[0])) {
      const least = Number(from ?? (part[0] === "+" ? 1 : 0));
      const most = comma === "" ? least : Number(to || (part[0] === "?" ? 1 : Infinity));
      const lengths = Math.min(RUN, most - least + 1);
      last = group.last ** Math.min(RUN, most) + lengths - 1;
      group.ways *= last / group.last;
    }
    group.last = last;
    if (!(group.before + group.ways <= MOST_WAYS)) {
      throw new Error(
        "it may match in too many ways: what is repeated must not repeat anything itself, or have alternatives",
      );
    }
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
