import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { PATTERNS, type PatternName, patternSource } from "../../src/formats/patterns.ts";
import {
  createPreTokenizer,
  forEachPiece,
  type PreTokenizer,
  regexPreTokenizer,
} from "../../src/text/pre-tokenizer.ts";
import { isMisread } from "../helpers/misread.ts";

function pieces(source: string, text: string): string[] {
  return cut(text, createPreTokenizer(patternSource(source)));
}

function cut(text: string, preTokenizer: PreTokenizer): string[] {
  const result: string[] = [];
  forEachPiece(text, preTokenizer, (start, end) => {
    result.push(text.slice(start, end));
    return true;
  });
  return result;
}

describe("the patterns", () => {
  it.each([
    ["gpt2", "Hello world", ["Hello", " world"]],
    ["gpt2", "I'll DON'T", ["I", "'ll", " DON", "'", "T"]],
    ["gpt2", "in 1851,  she…", ["in", " 1851", ",", " ", " she", "…"]],
    ["gpt2", "a\n\n b \n", ["a", "\n\n", " b", " \n"]],
    ["gpt2", "a\u0085\u0085b", ["a", "\u0085", "\u0085", "b"]],
    ["gpt2", "a\ufeffb", ["a", "\ufeff", "b"]],
    ["gpt2", "नमस्ते", ["नमस", "्", "त", "े"]],
    ["cl100k", "I'LL don't", ["I", "'LL", " don", "'t"]],
    ["cl100k", "in 1851,\n\nshe", ["in", " ", "185", "1", ",\n\n", "she"]],
    ["cl100k", "(word) \r\n x", ["(word", ")", " \r\n", " x"]],
    ["cl100k", "x  \n  y", ["x", "  \n", " ", " y"]],
    ["whitespace", "two  words\n", ["two", "  ", "words", "\n"]],
  ])("%s cuts %j", (name, text, expected) => {
    expect(pieces(name, text)).toEqual(expected);
  });

  it("lose nothing of any text", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(PATTERNS), String.raw`\w+`, "[aeiou]+", String.raw`\d{1,2}|\p{L}`),
        fc.string({ unit: "binary", maxLength: 60 }),
        (name, text) => {
          expect(pieces(name, text).join("")).toBe(text);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("the scanners", () => {
  const parts = [
    "'",
    "s",
    "T",
    "re",
    "LL",
    "ſ",
    "é",
    "中",
    "𝒳",
    "1",
    "٣",
    "½",
    " ",
    "  ",
    "\u00a0",
    "\u0085",
  ];
  const text = fc.oneof(
    fc.array(
      fc.constantFrom(...parts, "\n", "\r", "\r\n", "\t", "!", "…", "👩‍👩‍👧", "\ufeff", "\ud800", "\udc00"),
      {
        maxLength: 30,
      },
    ),
    fc.array(fc.string({ unit: "binary" })),
  );

  it.each(Object.keys(PATTERNS) as PatternName[])("cut as the pattern does: %s", (name) => {
    const regex = regexPreTokenizer(PATTERNS[name]);
    fc.assert(
      fc.property(text, (parts) => {
        const whole = parts.join("");
        fc.pre(!isMisread(whole));
        expect(pieces(name, whole)).toEqual(cut(whole, regex));
      }),
      { numRuns: 5000 },
    );
  });

  it.each(Object.keys(PATTERNS) as PatternName[])("know every character's class: %s", (name) => {
    const regex = regexPreTokenizer(PATTERNS[name]);
    let all = "";
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
      // A character, and what shows of which class it is.
      if (codePoint < 0x32000 || codePoint > 0x10fff0) all += `${String.fromCodePoint(codePoint)}a`;
    }
    expect(pieces(name, all)).toEqual(cut(all, regex));
  });

  it.each(["中", "𝒳", " ", "!"])("cut ten million of %j", (character) => {
    const text = character.repeat(10_000_000);
    for (const name of Object.keys(PATTERNS) as PatternName[]) {
      expect(createPreTokenizer(PATTERNS[name])(text, 0)).toBe(text.length);
    }
  });
});

describe("a pattern of one's own", () => {
  it("makes pieces, as long as can be, of what it does not match", () => {
    expect(pieces("[aeiou]+", "queueing up")).toEqual(["q", "ueuei", "ng ", "u", "p"]);
  });

  it.each([
    [String.raw`\s`, "a\ufeff \u0085b", ["a\ufeff", " ", "\u0085", "b"]],
    [String.raw`[\s,]+`, "a, \u0085b", ["a", ", \u0085", "b"]],
    [String.raw`\d+`, "a١٢3b", ["a", "١٢3", "b"]],
    [String.raw`[^\d]+`, "a١٢3b", ["a", "١٢3", "b"]],
    [String.raw`\w+`, "naïve_1 ‿!", ["naïve_1", " ", "‿", "!"]],
    [String.raw`\W+`, "naïve -- x", ["naïve", " -- ", "x"]],
    [String.raw`[^\w\s]+`, "a;; b", ["a", ";;", " b"]],
    ["(?i:ab|k)c", "ABc\u212acaBC", ["ABc", "\u212ac", "aBC"]],
    ["(?i:[ab])c|d", "AcDd", ["Ac", "D", "d"]],
    ["(?i:a(?:b)c)d", "AbCdabcD", ["AbCd", "abcD"]],
    ["a.", "a\ra\u2028a\u2029a\na\u{1f600}", ["a\r", "a\u2028", "a\u2029", "a\n", "a\u{1f600}"]],
    [String.raw`[.^$]\.\^\$`, "a.b^.^$", ["a.b", "^.^$"]],
  ])("is read as the original does: %s", (source, text, expected) => {
    expect(pieces(source, text)).toEqual(expected);
  });

  it.each([
    ["(", /pattern "\(": /],
    ["[", /pattern "\[": /],
    ["[a-z", /pattern "\[a-z": /],
    ["a)|(?:b", /pattern "a\)\|\(\?:b": /],
    ["", /pattern "": it matches the empty text/],
    [String.raw`\s*`, /it matches the empty text/],
    [String.raw`\p{L}++`, /pattern/],
    [String.raw`\bword`, /\\b is not supported/],
    [String.raw`[\W]`, /\\W in a class is not supported/],
    ["^a", /\^ is not supported/],
    ["a$|b", /\$ is not supported/],
    ["(?<=a)b", /\(\?<= is not supported/],
    ["(?<!a)b", /\(\?<! is not supported/],
    ["(?<name>a)", /\(\?<n is not supported/],
    ["(?s:.)", /\(\?s: is not supported/],
    ["(?>a)", /\(\?>a is not supported/],
    [String.raw`(a)\1`, /\\1 is not supported/],
    ["[a[bc]]", /\[ in a class is not supported/],
    ["[a-z&&b]", /&& in a class is not supported/],
    ["[a-z--b]", /-- in a class is not supported/],
    [String.raw`(?i:\p{Lu}x)`, /\\p\{Lu\} inside \(\?i:…\) is not supported/],
    ["(?i:[é])", /é inside \(\?i:…\) is not supported/],
    ["(?i:[a-z])", /a range inside \(\?i:…\) is not supported/],
  ])("is refused: %s", (source, message) => {
    expect(() => createPreTokenizer(source)).toThrow(ConfigError);
    expect(() => createPreTokenizer(source)).toThrow(message);
  });

  it.each([
    // GPT-4o's.
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`\w+(?:-\w+)*|\s+`,
    String.raw`"(?:[^"\\]|\\.)*"|\w+|\s|.`,
    String.raw`\d{1,3}(?:,\d{3})*(?:\.\d+)?`,
  ])("is taken: %s", (source) => {
    const text = `${'a1-b2 "\\"" '.repeat(20)}!`;
    expect(cut(text, regexPreTokenizer(source)).join("")).toBe(text);
  });

  it("is refused, at work, if it matches nothing of a text", () => {
    expect(() => pieces("(?=b)|a", "ab")).toThrow(ConfigError);
    expect(() => pieces("(?=b)|a", "ab")).toThrow(/matches the empty text/);
  });

  it("cuts a piece of any length, or says that it is too long for the runtime", () => {
    const text = "z".repeat(20_000_000);
    let cut: string[];
    try {
      cut = pieces("[aeiou]+", text);
    } catch (error) {
      expect((error as Error).message).toMatch(/"\[aeiou\]\+": the text has too long a piece/);
      return;
    }
    expect(cut.length === 1 && cut[0] === text).toBe(true);
  });
});
