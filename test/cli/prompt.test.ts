import { expect, it } from "vitest";
import { promptFrom } from "../../src/cli/prompt.ts";
import { CharacterTokenizer, WordTokenizer } from "../../src/index.ts";

it.each([
  ["CHAPTER 1. Loomings.\r\n\r\nCall me Ishmael. Some years ago", "Call me"],
  ["Часть первая\nВсе счастливые семьи", "Часть первая"],
  ["\n  吾輩は猫である。名前はまだ無い。\n吾輩は猫である。", "吾輩は猫である"],
  ['$HOME "`!\nQ8', "Q8"],
  ["… !", undefined],
])("%j", (text, expected) => {
  expect(promptFrom(text, CharacterTokenizer.train(text))).toBe(expected);
});

it("has no words outside the vocabulary", async () => {
  const text = "rare words\nthe whale\nthe whale";
  expect(promptFrom(text, await WordTokenizer.train(text, { vocabSize: 10, minFrequency: 2 }))).toBe(
    "the whale",
  );
});
