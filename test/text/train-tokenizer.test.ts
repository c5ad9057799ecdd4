import { describe, expect, it } from "vitest";
import { ConfigError, TOKENIZER_KINDS, trainTokenizer } from "../../src/index.ts";

describe("trainTokenizer", () => {
  it("trains each kind", async () => {
    const kinds = TOKENIZER_KINDS.map(async (kind) => (await trainTokenizer(kind, "a whale a whale")).kind);
    expect(await Promise.all(kinds)).toEqual(["byte-level-bpe", "character-bpe", "word", "character"]);
  });

  it("gives each kind its options", async () => {
    const bpe = await trainTokenizer("bpe", "aaaa", { vocabSize: 258, pattern: "a{2}" });
    expect(bpe.encode("aaaa")).toHaveLength(2);
    const words = await trainTokenizer("word", "A a b", { lowercase: true, minFrequency: 2 });
    expect(words).toMatchObject({ vocabSize: 2 });
  });

  it.each([
    ["char", { vocabSize: 300 }, "vocabSize: char has no such option, only bpe, char-bpe, word"],
    ["char", { minFrequency: 1 }, "minFrequency: char has no such option, only bpe, char-bpe, word"],
    ["word", { pattern: "gpt2" }, "pattern: word has no such option, only bpe"],
    ["word", { maxTokenLength: 4 }, "maxTokenLength: word has no such option, only bpe, char-bpe"],
    ["bpe", { lowercase: false }, "lowercase: bpe has no such option, only word"],
    ["unigram", {}, 'the kind must be one of bpe, char-bpe, word, char, got "unigram"'],
  ])("refuses for %s %j", async (kind, options, message) => {
    const training = trainTokenizer(kind as "bpe", "a", options);
    await expect(training).rejects.toThrow(ConfigError);
    await expect(training).rejects.toThrow(message);
  });
});
