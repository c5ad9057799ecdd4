/** Encoding words of characters, against the merges applied one after the other as the 2016 paper does. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BPEDescription, MERGE_FIELDS } from "../../src/formats/bpe-description.ts";
import { CharacterBPETokenizer } from "../../src/text/character-bpe.ts";
import { textsOf } from "../helpers/texts.ts";

/** Every merge in turn, everywhere in the word from the left. */
function splitWord(
  word: string,
  { tokens, merges, endOfWordSuffix = "", unknownToken = "" }: BPEDescription,
) {
  const characters = [...word];
  characters[characters.length - 1] += endOfWordSuffix;
  let symbols = characters.map((symbol) => (tokens.includes(symbol) ? symbol : unknownToken));
  for (let i = 0; i < merges.length; i += MERGE_FIELDS) {
    const [left, right, made] = Array.from(merges.subarray(i, i + 3), (id) => tokens[id]);
    const merged: string[] = [];
    for (let at = 0; at < symbols.length; at++) {
      const meets = symbols[at] === left && symbols[at + 1] === right;
      merged.push(meets ? made : symbols[at]);
      if (meets) at++;
    }
    symbols = merged;
  }
  return symbols;
}

const tokensOf = (tokenizer: CharacterBPETokenizer, text: string) =>
  Array.from(tokenizer.encode(text), (id) => tokenizer.idToToken(id));

describe("a character BPE", async () => {
  const english = await CharacterBPETokenizer.train(textsOf({ file: "moby-dick" })[0].slice(0, 300_000), {
    vocabSize: 1200,
  });
  const runs = await CharacterBPETokenizer.train(textsOf({ random: ["aaab ", 3000, 4] })[0], {
    vocabSize: 200,
    minFrequency: 1,
  });

  it("slices words that it never saw (Sennrich et al. 2016, algorithm 1)", async () => {
    const text = `${"low ".repeat(5)}${"lower ".repeat(2)}${"newest ".repeat(6)}${"widest ".repeat(3)}`;
    // <unk>, ten letters, of them three also at the end of words, and what is left for merges.
    const tokenizer = await CharacterBPETokenizer.train(text, { vocabSize: 14 + 6 });
    expect(tokensOf(tokenizer, "lowest newer")).toEqual(["lo", "w", "est</w>", "new", "e", "r</w>"]);
    expect(tokensOf(tokenizer, "xlow")).toEqual(["<unk>", "lo", "w</w>"]);
    expect(tokenizer.decode(tokenizer.encode("  lowest\t\nnewer "))).toBe("lowest newer");
  });

  it.each([
    ["English", english, "abcdefghilmnorstuy',A"],
    ["runs of letters", runs, "aaaab"],
  ])("applies merges in their order to any word: %s", (_, tokenizer, letters) => {
    const word = fc.string({ unit: fc.constantFrom(...letters, "日", "😀"), minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const expected = words.flatMap((one) => splitWord(one, tokenizer.description));
        expect(tokensOf(tokenizer, words.join(" "))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
