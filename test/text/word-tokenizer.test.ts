import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.ts";
import { WordTokenizer } from "../../src/text/word-tokenizer.ts";

/** Characters that words are made of, or that could run into each other where no space is between them. */
const troublemakers = fc.constantFrom(
  ...[
    "a",
    "Z",
    "é",
    "e\u0301",
    "İ",
    "Σ",
    "ß",
    "1",
    "٣",
    "'",
    "’",
    "‘",
    "-",
    "‐",
    "_",
    ".",
    ",",
    "!",
    "‼",
    "(",
    ")",
  ],
  ...[
    "«",
    "»",
    "¿",
    "%",
    "…",
    "$",
    " ",
    "\n",
    "\u00a0",
    "\u3000",
    "漢",
    "か",
    "\u3099",
    "ー",
    "。",
    "「",
    "ก",
    "ั",
  ],
  ...[
    "ក",
    "្",
    "က",
    "ຂ",
    "Ａ",
    "！",
    "〇",
    "㊀",
    "\u200d",
    "\u200c",
    "\ufe0f",
    "\u20e3",
    "👩",
    "🏽",
    "🇩",
    "🇪",
    "❤",
  ],
  ...[
    "\u0301",
    "\ufffd",
    "\ufeff",
    "\u00ad",
    "\0",
    "\ud800",
    "\udfff",
    "<",
    "<|end|>",
    "ا",
    "नि",
    "한",
    "ㅏ",
    "ℹ",
  ],
);
const anyText = fc
  .array(fc.oneof(troublemakers, fc.string({ unit: "binary", minLength: 1, maxLength: 1 })), {
    maxLength: 30,
  })
  .map((parts) => parts.join(""));
const anyTrained = { minFrequency: 1, specialTokens: ["<|end|>"] };

const train = (text: string, options = {}) => WordTokenizer.train(text, { minFrequency: 1, ...options });

/** The words of a text, as the tokenizer cuts it. */
async function words(text: string): Promise<string[]> {
  const tokenizer = await train(text);
  return [...tokenizer.encode(text)].map((id) => tokenizer.idToToken(id)!);
}

describe("WordTokenizer, words", () => {
  it.each([
    ["Call me Ishmael.", ["Call", "me", "Ishmael", "."]],
    ["don’t, l'eau, dogs' 'tis", ["don’t", ",", "l'eau", ",", "dogs", "'", "'", "tis"]],
    ["well-known -- 3.14 B2B", ["well", "-", "known", "-", "-", "3", ".", "14", "B2B"]],
    ["E\u0301cole Straße", ["E\u0301cole", "Straße"]],
    ["میخ می‌خواهم؟", ["میخ", "می‌خواهم", "؟"]],
    ["2024年、ラーメン（がく）", ["2024", "年", "、", "ラ", "ー", "メ", "ン", "（", "が", "く", "）"]],
    ["か\u3099 สวัสดี", ["か\u3099", "ส", "วั", "ส", "ดี"]],
    ["👩🏽‍🚀👩 🇩🇪🇫🇷 ❤️!", ["👩🏽‍🚀", "👩", "🇩🇪", "🇫🇷", "❤️", "!"]],
    ["\u00a0a\u2003b\r\n\u0085c\u3000", ["a", "b", "c"]],
    [" \n", []],
  ])("cuts %j", async (text, expected) => {
    expect(await words(text)).toEqual(expected);
  });

  it.each([
    ["( a , b ) !", "(a, b)!"],
    ["“ Ah ” — she", "“Ah” — she"],
    ["well - known", "well-known"],
    ["漢 字 。 か な", "漢字。かな"],
    ["ก า abc", "กา abc"],
    ["Ａ Ｂ ！", "Ａ Ｂ！"],
    ["¿ Qué ?", "¿Qué?"],
  ])("puts %j together as %j", async (text, expected) => {
    const tokenizer = await train(text);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(expected);
  });
});

describe("WordTokenizer, training", () => {
  it("takes the most frequent words first, then those of the lowest code points", async () => {
    const tokenizer = await WordTokenizer.train("b b \uffee \uffee 𝒜 𝒜 a a c c c once", {
      specialTokens: ["<s>"],
    });
    const tokens = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id));
    expect(tokens).toEqual(["<unk>", "<s>", "c", "a", "b", "\uffee", "𝒜"]);
    expect([...tokenizer.specialTokens]).toEqual([
      ["<unk>", 0],
      ["<s>", 1],
    ]);
    expect([...tokenizer.encode("c once<s>")]).toEqual([2, 0, 1]);
    expect(tokenizer.unknownWords("c once<s> twice once")).toEqual(["once", "twice"]);
  });

  it("keeps to the size of the vocabulary, and to the frequency", async () => {
    const text = "a a a b b c";
    expect((await train(text, { vocabSize: 3 })).encode("a b c")).toEqual(Int32Array.of(1, 2, 0));
    expect((await train(text, { vocabSize: 1 })).vocabSize).toBe(1);
    expect((await WordTokenizer.train(text, { minFrequency: 3 })).vocabSize).toBe(2);
  });

  it("counts words in lower case", async () => {
    const tokenizer = await WordTokenizer.train("The the ΟΔΟΣ οδος İ", { lowercase: true });
    expect(tokenizer.vocabSize).toBe(3);
    expect(tokenizer.decode(tokenizer.encode("THE ΟΔΟΣ"))).toBe("the οδος");
  });

  it("reads streams, several texts, and tells how far it is", async () => {
    const bytes = new TextEncoder().encode("the whale 🐋 ".repeat(5));
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const seen: number[] = [];
    const tokenizer = await WordTokenizer.train([stream, "the sea"], {
      onProgress: ({ characters }) => seen.push(characters),
    });
    expect(tokenizer.toJSON()).toMatchObject({ words: ["the", "whale", "🐋"] });
    expect(seen.at(-1)).toBe(13 * 5 + 7);
  });

  it("stops when its signal says so", async () => {
    const reason = new Error("enough");
    await expect(train("a b", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it.each([
    [{ vocabSize: 0 }, "vocabSize: expected an integer from 1"],
    [{ vocabSize: 1, specialTokens: ["<s>"] }, "vocabSize: expected an integer from 2"],
    [{ vocabSize: 2.5 }, "vocabSize: expected an integer from 1"],
    [{ vocabSize: Number.NaN }, "vocabSize: expected an integer from 1"],
    [{ minFrequency: 0 }, "minFrequency: expected a positive integer, got 0"],
    [{ specialTokens: ["<unk>"] }, "specialTokens: expected distinct strings"],
    [{ specialTokens: ["<s>", "<s>"] }, "specialTokens: expected distinct strings"],
    [{ specialTokens: [""] }, "specialTokens: expected distinct strings"],
  ])("refuses %j", async (options, message) => {
    await expect(train("a b", options)).rejects.toThrow(ConfigError);
    await expect(train("a b", options)).rejects.toThrow(message);
  });
});

describe("WordTokenizer, round trip", () => {
  it.each([false, true])("gives the same ids for the decoded text, in lower case: %s", async (lowercase) => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const tokenizer = await train(text, { ...anyTrained, lowercase });
        const ids = tokenizer.encode(text);
        const decoded = tokenizer.decode(ids);
        expect(tokenizer.encode(decoded)).toEqual(ids);
        expect(decoded.isWellFormed()).toBe(true);
        // Training reads <|end|> as any other text, and nothing is learnt of U+FFFD.
        if (!/\ufffd|<\|end\|>/.test(text) && text.isWellFormed()) expect(ids).not.toContain(0);
      }),
      { numRuns: 3000 },
    );
  });

  it("gives the same ids for any sequence of words, known or not, that a text can have", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (text, other) => {
        const tokenizer = await train(text, anyTrained);
        const ids = tokenizer.encode(other);
        expect(tokenizer.encode(tokenizer.decode(ids))).toEqual(ids);
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps every code point apart from its neighbours", async () => {
    const contexts = ["a", "漢", "(", ".", "-", "’", "👩", "\u200d"];
    // Those that make up most of Unicode, and are all alike.
    const alike = /[\p{Cn}\p{Co}\p{Cs}\p{Script=Han}\p{Script=Hangul}\p{Script=Tangut}]/u;
    const characters = Array.from({ length: 0x110000 }, (_, codePoint) => String.fromCodePoint(codePoint));
    const different = characters.filter((character, i) => i % 997 === 0 || !alike.test(character));
    expect(different.length).toBeGreaterThan(30_000);
    for (const context of contexts) {
      const text = different.map((character) => `${context} ${character} ${context}`).join(" ");
      for (const lowercase of [false, true]) {
        const tokenizer = await train(text, { lowercase });
        const ids = tokenizer.encode(text);
        const again = tokenizer.encode(tokenizer.decode(ids));
        const at = again.findIndex((id, i) => id !== ids[i]);
        expect([again.length, at], tokenizer.idToToken(ids[at])).toEqual([ids.length, -1]);
      }
    }
  });

  it.each(["a", "a'", "漢", "-\u0301", "\u0301", "👩\u200d", " ", ".,", "🇩🇪"])(
    "takes %j a hundred thousand times",
    async (part) => {
      for (const text of [part.repeat(1e5), `-${part.repeat(1e5)}`]) {
        const tokenizer = await train(text);
        const ids = tokenizer.encode(text);
        // Compared here: a test's own comparison is slow.
        const again = tokenizer.encode(tokenizer.decode(ids));
        expect(again.length).toBe(ids.length);
        expect(again.every((id, i) => id === ids[i])).toBe(true);
      }
    },
  );

  it("takes a word of ten million letters", async () => {
    const tokenizer = await train("a".repeat(1e7));
    expect(tokenizer.encode("a".repeat(1e7)).length).toBe(1e4);
  });

  it("decodes one id at a time to the same text, and starts anew after flush", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.boolean(), async (text, skipSpecial) => {
        const tokenizer = await train(text, anyTrained);
        const ids = [...tokenizer.encode(text)];
        const decoder = tokenizer.createDecoder({ skipSpecial });
        for (let i = 0; i < 2; i++) {
          const streamed = ids.map((id) => decoder.push(id)).join("") + decoder.flush();
          expect(streamed).toBe(tokenizer.decode(ids, { skipSpecial }));
        }
      }),
    );
  });

  it("gives each token the id that leads back to it", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const tokenizer = await train(text, { specialTokens: ["a", "<s>"] });
        for (let id = 0; id < tokenizer.vocabSize; id++) {
          expect(tokenizer.tokenToId(tokenizer.idToToken(id)!)).toBe(id);
        }
      }),
    );
  });
});

describe("WordTokenizer, special tokens", () => {
  it("reads them in a text unless told not to, and never <unk>", async () => {
    const tokenizer = await train("a < unk > | end b", { specialTokens: ["<|end|>", "<|end|>>", "b"] });
    const names = (ids: Int32Array) => [...ids].map((id) => tokenizer.idToToken(id));
    expect(names(tokenizer.encode("a<|end|>>b<|end|>"))).toEqual(["a", "<|end|>>", "b", "<|end|>"]);
    expect(names(tokenizer.encode("a<|end|>", { parseSpecial: false }))).toEqual([
      "a",
      "<",
      "|",
      "end",
      "|",
      ">",
    ]);
    expect(names(tokenizer.encode("b", { parseSpecial: false }))).toEqual(["<unk>"]);
    expect(names(tokenizer.encode("<unk>"))).toEqual(["<", "unk", ">"]);
  });

  it("writes them with spaces around, or leaves them out", async () => {
    const tokenizer = await train("a ( ! 漢", { specialTokens: ["<|end|>"] });
    const ids = tokenizer.encode("a<|end|>!(<|end|>漢 what");
    expect(tokenizer.decode(ids)).toBe("a <|end|> ! (<|end|> 漢 \ufffd".replace("(<", "( <"));
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe("a! (漢");
  });

  it("refuses ids outside the vocabulary", async () => {
    const tokenizer = await train("a b");
    for (const id of [-1, 3, 0.5, Number.NaN]) {
      expect(() => tokenizer.decode([id])).toThrow(ConfigError);
      expect(() => tokenizer.createDecoder({ skipSpecial: true }).push(id)).toThrow("from 0 to 2");
    }
  });
});

describe("WordTokenizer.fromJSON", () => {
  it("gives back the same tokenizer", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, fc.boolean(), async (text, other, lowercase) => {
        const tokenizer = await train(text, { ...anyTrained, lowercase });
        const copy = WordTokenizer.fromJSON(JSON.parse(JSON.stringify(tokenizer)));
        expect(copy.toJSON()).toEqual(tokenizer.toJSON());
        expect(copy.specialTokens).toEqual(tokenizer.specialTokens);
        expect(copy.encode(text + other)).toEqual(tokenizer.encode(text + other));
      }),
    );
  });

  it.each([
    [{}, "words: expected an array of strings, got undefined"],
    [{ words: "a" }, "words: expected an array of strings, got string"],
    [{ words: ["a", 3] }, "words: number 1: expected a well-formed string that is not empty, got 3"],
    [{ words: ["a", ""] }, 'words: number 1: expected a well-formed string that is not empty, got ""'],
    [{ words: ["\ud800"] }, "words: number 0: expected a well-formed string"],
    [{ words: ["a", "b", "a"] }, 'words: number 2, "a", was there already'],
    [{ words: ["<unk>"] }, 'words: number 0, "<unk>", was there already'],
    [{ words: ["<s>"], specialTokens: ["<s>"] }, 'words: number 0, "<s>", was there already'],
    [{ words: [], specialTokens: "<s>" }, "specialTokens: expected distinct strings"],
    [{ words: [], specialTokens: ["<s>", 3] }, "specialTokens: expected distinct strings"],
    [{ words: [], specialTokens: ["<unk>"] }, "specialTokens: expected distinct strings"],
    [{ words: [], lowercase: "yes" }, "lowercase: expected true or false, got string"],
  ])("refuses %j", (json, message) => {
    expect(() => WordTokenizer.fromJSON(json)).toThrow(FormatError);
    expect(() => WordTokenizer.fromJSON(json)).toThrow(message);
  });
});
