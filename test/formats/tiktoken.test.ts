import cl100kRanks from "js-tiktoken/ranks/cl100k_base";
import gpt2Ranks from "js-tiktoken/ranks/gpt2";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.ts";
import { type BPEDescription, MERGE_FIELDS } from "../../src/formats/bpe-description.ts";
import { byteToCharacter, characterToByte } from "../../src/formats/byte-alphabet.ts";
import { PATTERNS } from "../../src/formats/patterns.ts";
import { readTiktoken } from "../../src/formats/tiktoken.ts";
import { readTokenizerJSON, writeTokenizerJSON } from "../../src/formats/tokenizer-json.ts";
import { tiktokenFile } from "../helpers/tiktoken-ranks.ts";

const BYTES = Array.from({ length: 256 }, (_, byte) => [byte]);
const ascii = (text: string) => [...text].map((c) => c.charCodeAt(0));

/** Lines with the ranks 0, 1, 2 … */
function fileOf(...tokens: number[][]): string[] {
  return tokens.map((bytes, rank) => `${btoa(String.fromCharCode(...bytes))} ${rank}`);
}

const small = (...more: string[]) => [...fileOf(...BYTES, ...more.map(ascii))];
const read = (lines: string[], specialTokens?: Record<string, number>) =>
  readTiktoken(lines.join("\n"), { pattern: "gpt2", specialTokens });

function mergesIn({ tokens, merges }: BPEDescription): [string, string, string, number][] {
  return Array.from({ length: merges.length / MERGE_FIELDS }, (_, i) => {
    const [left, right, made, rank] = merges.subarray(i * MERGE_FIELDS);
    return [tokens[left], tokens[right], tokens[made], rank];
  });
}

describe("readTiktoken", () => {
  it("finds every split of a token into two, which share a rank", () => {
    const description = read(small("aa", "aaa", "xyz", "ab c", "ab", " c"));
    expect(description.tokens).toEqual([...byteToCharacter, "aa", "aaa", "xyz", "abĠc", "ab", "Ġc"]);
    expect(mergesIn(description)).toEqual([
      ["a", "a", "aa", 0],
      ["a", "aa", "aaa", 1],
      ["aa", "a", "aaa", 1],
      ["ab", "Ġc", "abĠc", 2],
      ["a", "b", "ab", 3],
      ["Ġ", "c", "Ġc", 4],
    ]);
    const { form, wholePieces, pattern, addPrefixSpace, addedTokens } = description;
    expect([form, wholePieces, pattern, addPrefixSpace]).toEqual(["byte-level", true, PATTERNS.gpt2, false]);
    expect(addedTokens).toEqual([]);
  });

  it("takes a pattern by its name or as it is", () => {
    const text = small().join("\n");
    expect(readTiktoken(text, { pattern: "cl100k" }).pattern).toBe(PATTERNS.cl100k);
    expect(readTiktoken(text, { pattern: "\\w+|\\W+" }).pattern).toBe("\\w+|\\W+");
  });

  it("reads lines in any order, with carriage returns, and with empty lines", () => {
    const expected = read(small("aa", "aaa"));
    const lines = small("aa", "aaa");
    expect(read([...lines].reverse())).toEqual(expected);
    expect(readTiktoken(`${lines.join("\r\n")}\r\n\r\n`, { pattern: "gpt2" })).toEqual(expected);
  });

  it("puts special tokens at their ids, and reserved ones where no id has a token", () => {
    const { tokens, addedTokens } = read(small("aa"), { "<|b|>": 260, __proto__x: 257 });
    expect(tokens.slice(256)).toEqual(["aa", "__proto__x", "<|reserved_258|>", "<|reserved_259|>", "<|b|>"]);
    expect(addedTokens).toEqual(
      [257, 258, 259, 260].map((id) => ({ id, content: tokens[id], special: true })),
    );
  });

  it("lets special tokens have ids between the ranks", () => {
    const lines = [...small("aa"), `${btoa("bb")} 258`];
    const { tokens, addedTokens } = read(lines, { "<|e|>": 257 });
    expect(tokens.slice(256)).toEqual(["aa", "<|e|>", "bb"]);
    expect(addedTokens).toEqual([{ id: 257, content: "<|e|>", special: true }]);
    expect(() => read(lines)).toThrow("tiktoken: line 258: rank 258, but no line has rank 257");
  });

  const AA = btoa("aa");
  it.each<[string, (lines: string[]) => void, string]>([
    ["no rank", (l) => l.push(AA), `line 257: expected a token in base64, a space and its rank, got "${AA}"`],
    ["an empty rank", (l) => l.push(`${AA} `), "line 257: expected a token in base64"],
    ["a negative rank", (l) => l.push(`${AA} -1`), "line 257: expected a token in base64"],
    ["a fraction", (l) => l.push(`${AA} 256.5`), "line 257: expected a token in base64"],
    [
      "a rank beyond all numbers",
      (l) => l.push(`${AA} 1${"0".repeat(400)}`),
      "line 257: expected a token in base64",
    ],
    ["three fields", (l) => l.push(`${AA} 256 1`), "line 257: expected a token in base64"],
    ["two spaces", (l) => l.push(`${AA}  256`), "line 257: expected a token in base64"],
    [
      "no token",
      (l) => l.push(" 256"),
      'line 257: expected a token in base64, a space and its rank, got " 256"',
    ],
    ["what isn't base64", (l) => l.push("@@@@ 256"), "line 257: expected a token in base64"],
    ["base64 without padding", (l) => l.push("YWE 256"), "line 257: expected a token in base64"],
    ["base64 with a line feed in it", (l) => l.push("YW\tE= 256"), "line 257: expected a token in base64"],
    ["a token twice", (l) => l.push("YQ== 256"), 'line 257: the token "YQ==" is already in line 98'],
    ["a rank twice", (l) => l.push(`${AA} 97`), "line 257: rank 97 is already in line 98"],
    ["a gap", (l) => l.push(`${AA} 300`), "line 257: rank 300, but no line has rank 256"],
    ["a huge rank", (l) => l.push(`${AA} 4000000000`), "line 257: rank 4000000000, but no line has rank 256"],
    [
      "a line lost",
      (l) => l.splice(10, 1, `${AA} 10`),
      "expected a token for each of the 256 bytes, but 10 has none",
    ],
    ["nothing", (l) => l.splice(0), "expected a token for each of the 256 bytes, but 0 has none"],
  ])("refuses %s", (_, change, message) => {
    const lines = small();
    change(lines);
    expect(() => read(lines)).toThrow(FormatError);
    expect(() => read(lines)).toThrow(`tiktoken: ${message}`);
  });

  it.each<[Record<string, number>, string]>([
    [{ "<|a|>": 97 }, '"<|a|>": id 97 is the token\'s in line 98 of the file'],
    [{ "<|a|>": 257, "<|b|>": 257 }, '"<|a|>" and "<|b|>" both have the id 257'],
    [{ "<|a|>": -1 }, '"<|a|>": expected an id 0, 1, 2 …, got -1'],
    [{ "<|a|>": 257.5 }, '"<|a|>": expected an id 0, 1, 2 …, got 257.5'],
    [{ "": 257 }, 'expected well-formed names that aren\'t empty, got ""'],
    [{ "\ud800": 257 }, 'expected well-formed names that aren\'t empty, got "\\ud800"'],
    [{ aa: 257 }, '"aa", id 257, is spelled like the token 256'],
    [{ "<|reserved_257|>": 258 }, '"<|reserved_257|>", id 258, is spelled like the token 257'],
    [
      { "<|a|>": 4e9 },
      "expected at most 1024 ids without a token below the largest, got 3999999743 below 4000000000",
    ],
  ])("refuses the special tokens %j", (specialTokens, message) => {
    expect(() => read(small("aa"), specialTokens)).toThrow(ConfigError);
    expect(() => read(small("aa"), specialTokens)).toThrow(`specialTokens: ${message}`);
  });
});

describe("OpenAI's files", () => {
  it.each([
    { name: "gpt2" as const, ranks: gpt2Ranks, size: 50_257, reserved: 0 },
    { name: "cl100k" as const, ranks: cl100kRanks, size: 100_277, reserved: 16 },
  ])("are read: $name", ({ name, ranks, size, reserved }) => {
    const file = tiktokenFile(ranks);
    const description = readTiktoken(file, { pattern: name, specialTokens: ranks.special_tokens });
    const { tokens, addedTokens, merges } = description;
    expect(tokens).toHaveLength(size);
    expect(addedTokens.filter(({ content }) => content.startsWith("<|reserved_"))).toHaveLength(reserved);
    for (const [content, id] of Object.entries(ranks.special_tokens)) {
      expect(addedTokens).toContainEqual({ id, content, special: true });
    }
    const base64 = tokens
      .slice(0, size - addedTokens.length)
      .map((token) => btoa(String.fromCharCode(...[...token].map((c) => characterToByte[c.charCodeAt(0)]))));
    expect(base64.map((token, rank) => `${token} ${rank}\n`).join("") === file).toBe(true);

    // Splits make what they say; ranks rise with the id that is made, and only with it.
    const wrong: number[] = [];
    for (let i = 0; i < merges.length; i += MERGE_FIELDS) {
      const [left, right, made, rank] = merges.subarray(i, i + MERGE_FIELDS);
      const [before, rankBefore] = i === 0 ? [255, -1] : merges.subarray(i - 2, i);
      const sameToken = made === before && rank === rankBefore;
      if (tokens[left] + tokens[right] !== tokens[made]) wrong.push(i);
      if (!sameToken && !(made > before && rank === rankBefore + 1)) wrong.push(i);
    }
    expect(wrong).toEqual([]);
    // Vitest takes seconds to compare arrays of that size.
    const {
      tokens: tokensBack,
      merges: mergesBack,
      ...rest
    } = readTokenizerJSON(writeTokenizerJSON(description));
    expect(rest).toEqual({ ...description, tokens: undefined, merges: undefined });
    expect(tokensBack.join("\n") === tokens.join("\n")).toBe(true);
    expect(mergesBack.join() === merges.join()).toBe(true);
  });
});
