/** Special tokens whose names stand in the text that tokenizers learn from: text alone must not become one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ByteLevelBPETokenizer,
  CharacterBPETokenizer,
  ConfigError,
  FormatError,
  type Tokenizer,
  tokenizerFromJSON,
  WordTokenizer,
} from "../../src/index.ts";

const SPECIAL = ["###", "Ġthe", "[PAD]", "a"];
const TEXT = `### the end ### to the sea [PAD] a ${"the ###[PAD] a sea ".repeat(50)}`;

const tokenizers: Record<string, Tokenizer> = {
  "byte-level": await ByteLevelBPETokenizer.train(TEXT, {
    vocabSize: 300,
    specialTokens: SPECIAL.slice(0, 3),
  }),
  character: await CharacterBPETokenizer.train(TEXT, { vocabSize: 60, specialTokens: SPECIAL }),
};

describe.each(Object.entries(tokenizers))("%s", (_, trained) => {
  it.each(["as it was trained", "read from its file"])("finds none in text read as such, %s", (from) => {
    const isRead = from === "read from its file";
    const tokenizer = isRead ? tokenizerFromJSON(JSON.parse(JSON.stringify(trained.toJSON()))) : trained;
    const special = new Set(tokenizer.specialTokens.values());
    const fragment = fc.constantFrom(...SPECIAL, "#", "##", " the", "the", " ", "[", "PAD", "]", "sea");
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
        const text = parts.join("");
        const ids = [...tokenizer.encode(text, { parseSpecial: false })];
        const unknown = tokenizer.tokenToId("<unk>");
        expect(ids.filter((id) => special.has(id) && id !== unknown)).toEqual([]);
        if (trained === tokenizers["byte-level"]) expect(tokenizer.decode(ids)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});

it("of a byte-level vocabulary are none of the names of bytes", async () => {
  for (const name of ["¶", "Ġ", "b"]) {
    const training = ByteLevelBPETokenizer.train(TEXT, { vocabSize: 300, specialTokens: [name] });
    await expect(training).rejects.toThrow(ConfigError);
    await expect(training).rejects.toThrow(`specialTokens: ${JSON.stringify(name)} is what`);
  }
});

it("that share a byte's id are read where a file has them", () => {
  const file = JSON.parse(JSON.stringify(tokenizers["byte-level"])) as { added_tokens: object[] };
  const id = tokenizers["byte-level"].tokenToId("b")!;
  file.added_tokens.push({ ...file.added_tokens[0], id, content: "b" });
  expect(tokenizerFromJSON(file).specialTokens.get("b")).toBe(id);
});

it("of byte pairs are well-formed", async () => {
  for (const kind of [ByteLevelBPETokenizer, CharacterBPETokenizer]) {
    const training = kind.train(TEXT, { vocabSize: 300, specialTokens: ["<\ud800>"] });
    await expect(training).rejects.toThrow(ConfigError);
    await expect(training).rejects.toThrow(
      'well-formed, of at most 1000 characters and none of [""]; number 1 is "<\\ud800>"',
    );
  }
});

it("are as long as an expression can be searched for, and the wrong one is named", async () => {
  const names = Array.from({ length: 300 }, (_, i) => `<|${i}|>`);
  for (const [wrong, shown] of [
    ["x".repeat(1001), 'number 301 is "xxx'],
    ["<|7|>", 'number 301 is "<|7|>"'],
  ]) {
    const training = WordTokenizer.train(TEXT, { specialTokens: [...names, wrong] });
    await expect(training).rejects.toThrow(ConfigError);
    await expect(training).rejects.toThrow(shown);
  }
  const file = JSON.parse(JSON.stringify(tokenizers["byte-level"])) as { added_tokens: object[] };
  file.added_tokens[0] = { ...file.added_tokens[0], content: "x".repeat(100_000) };
  expect(() => tokenizerFromJSON(file)).toThrow(FormatError);
});
