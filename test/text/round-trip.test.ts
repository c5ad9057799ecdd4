/** What holds for every tokenizer: text → ids → text, saving and loading, decoding id by id. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../../src/text/character-bpe.ts";
import { CharacterTokenizer } from "../../src/text/character-tokenizer.ts";
import { tokenizerFromJSON } from "../../src/text/read-tokenizer.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { WordTokenizer } from "../../src/text/word-tokenizer.ts";
import { textsOf } from "../helpers/texts.ts";

const TRAINING = textsOf({ file: "moby-dick" })[0].slice(0, 60_000);
const SPECIAL = ["<|endoftext|>", "<pad>"];

const CASES = ["byte-level gpt2", "byte-level cl100k", "character-bpe", "character", "word"] as const;
const tokenizers = new Map<(typeof CASES)[number], Tokenizer>();

beforeAll(async () => {
  const options = { vocabSize: 1000, specialTokens: SPECIAL };
  tokenizers.set("byte-level gpt2", await ByteLevelBPETokenizer.train(TRAINING, options));
  tokenizers.set(
    "byte-level cl100k",
    await ByteLevelBPETokenizer.train(TRAINING, { ...options, pattern: "cl100k" }),
  );
  tokenizers.set("character-bpe", await CharacterBPETokenizer.train(TRAINING, options));
  tokenizers.set("character", CharacterTokenizer.train(TRAINING, { specialTokens: SPECIAL }));
  tokenizers.set("word", await WordTokenizer.train(TRAINING, { specialTokens: SPECIAL }));
});

/** All of Unicode, lone surrogates too; and words of the training text, special tokens among them. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        "the",
        " whale",
        "Ahab",
        " ",
        "\n",
        "  ",
        "don't",
        ",",
        "<|endoftext|>",
        "<pad>",
        "<unk>",
        "é",
        "中",
      ),
      {
        maxLength: 20,
      },
    )
    .map((words) => words.join("")),
);

/** Only what the tokenizers of characters and words know. */
const knownText = fc
  .array(fc.constantFrom(...new Set(TRAINING)), { maxLength: 60 })
  .map((all) => all.join(""));

describe.each(CASES)("%s", (name) => {
  const tokenizer = (): Tokenizer => tokenizers.get(name)!;

  it("gives ids below vocabSize, and the same text id by id as at once", () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), fc.boolean(), (text, parseSpecial, skipSpecial) => {
        const ids = tokenizer().encode(text, { parseSpecial });
        for (const id of ids) expect(id >= 0 && id < tokenizer().vocabSize).toBe(true);
        const decoder = tokenizer().createDecoder({ skipSpecial });
        let streamed = "";
        for (const id of ids) {
          const part = decoder.push(id);
          // Half a surrogate pair would be half a character.
          expect(part.isWellFormed()).toBe(true);
          streamed += part;
        }
        expect(streamed + decoder.flush()).toBe(tokenizer().decode(ids, { skipSpecial }));
      }),
      { numRuns: 1000 },
    );
  });

  it("is the same tokenizer after saving and loading", () => {
    const json = JSON.stringify(tokenizer());
    const loaded = tokenizerFromJSON(JSON.parse(json));
    expect(loaded.kind).toBe(tokenizer().kind);
    expect(loaded.vocabSize).toBe(tokenizer().vocabSize);
    expect(loaded.specialTokens).toEqual(tokenizer().specialTokens);
    expect(JSON.stringify(loaded)).toBe(json);
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenizer().encode(text);
        expect(loaded.encode(text)).toEqual(ids);
        expect(loaded.decode(ids)).toBe(tokenizer().decode(ids));
      }),
      { numRuns: 500 },
    );
  });

  it("knows its tokens by name and by id", () => {
    const { vocabSize } = tokenizer();
    for (let id = 0; id < vocabSize; id++) {
      expect(tokenizer().tokenToId(tokenizer().idToToken(id)!)).toBe(id);
    }
    expect(tokenizer().idToToken(vocabSize)).toBeUndefined();
    expect(tokenizer().idToToken(-1)).toBeUndefined();
    expect(tokenizer().tokenToId("no such token")).toBeUndefined();
    expect(() => tokenizer().decode([vocabSize])).toThrow(`expected a token id from 0 to ${vocabSize - 1}`);
  });

  it("finds special tokens in a text, unless told not to", () => {
    const [end] = SPECIAL;
    const id = tokenizer().specialTokens.get(end)!;
    const text = `the whale${end}the sea`;
    const ids = tokenizer().encode(text);
    expect([...ids].filter((other) => other === id)).toHaveLength(1);
    expect(tokenizer().decode(ids)).toContain(end);
    expect(tokenizer().decode(ids, { skipSpecial: true })).not.toContain(end);
    expect([...tokenizer().encode(text, { parseSpecial: false })]).not.toContain(id);
  });
});

describe("decode(encode(text))", () => {
  it.each(["byte-level gpt2", "byte-level cl100k"] as const)("is the text: %s, any text", (name) => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, parseSpecial) => {
        const tokenizer = tokenizers.get(name)!;
        expect(tokenizer.decode(tokenizer.encode(text, { parseSpecial }))).toBe(text.toWellFormed());
      }),
      { numRuns: 3000 },
    );
  });

  it("is the text, for characters of the training text", () => {
    fc.assert(
      fc.property(knownText, (text) => {
        const tokenizer = tokenizers.get("character")!;
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it("is the text with one space between words: character-bpe, characters of the training text", () => {
    fc.assert(
      fc.property(knownText, (text) => {
        const tokenizer = tokenizers.get("character-bpe")!;
        // A mark is only known of characters that ended a word in training.
        const words = text
          .split(/\s+/)
          .filter((word) => tokenizer.tokenToId(`${word.at(-1)}</w>`) !== undefined);
        expect(tokenizer.decode(tokenizer.encode(words.join("\n")))).toBe(words.join(" "));
      }),
      { numRuns: 1000 },
    );
  });
});
