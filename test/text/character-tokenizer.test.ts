import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.ts";
import { CharacterTokenizer } from "../../src/text/character-tokenizer.ts";
import { tokenizerFromJSON } from "../../src/text/read-tokenizer.ts";

const wellFormed = fc.string({ unit: "binary" });
/** Any UTF-16 code units, lone surrogates included. */
const anyString = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })))
  .map((units) => String.fromCharCode(...units));

/** The platform's own way to make a string well-formed. */
function throughUtf8(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

describe("CharacterTokenizer", () => {
  it("sorts its vocabulary by code point, after <unk>", () => {
    const tokenizer = CharacterTokenizer.train("b😀a\uffeeb");
    expect([0, 1, 2, 3, 4, 5].map((id) => tokenizer.idToToken(id))).toEqual([
      "<unk>",
      "a",
      "b",
      "\uffee",
      "😀",
      undefined,
    ]);
    expect(tokenizer.vocabSize).toBe(5);
    expect([...tokenizer.encode("b😀a")]).toEqual([2, 4, 1]);
  });

  it("round-trips every well-formed text", () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        const tokenizer = CharacterTokenizer.train(text);
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it("reads lone surrogates as TextEncoder does", () => {
    fc.assert(
      fc.property(anyString, (text) => {
        const tokenizer = CharacterTokenizer.train(text);
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(throughUtf8(text));
      }),
    );
  });

  it("gives each token the id that leads back to it, without gaps", () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        const tokenizer = CharacterTokenizer.train(text);
        for (let id = 0; id < tokenizer.vocabSize; id++) {
          expect(tokenizer.tokenToId(tokenizer.idToToken(id)!)).toBe(id);
        }
      }),
    );
  });

  it("encodes, and names, characters that it never saw", () => {
    const tokenizer = CharacterTokenizer.train("abc");
    expect([...tokenizer.encode("a😀bé")]).toEqual([1, 0, 2, 0]);
    expect(tokenizer.decode(tokenizer.encode("a😀b"))).toBe("a\ufffdb");
    expect(tokenizer.unknownCharacters("zabé😀z\ud800\udfffé\ud800")).toEqual([
      "z",
      "é",
      "😀",
      "\u{103ff}",
      "\ufffd",
    ]);
    expect(tokenizer.unknownCharacters("cab")).toEqual([]);
  });

  it("knows no token of more or less than one character", () => {
    const tokenizer = CharacterTokenizer.train("ab");
    expect(tokenizer.tokenToId("ab")).toBeUndefined();
    expect(tokenizer.tokenToId("")).toBeUndefined();
    expect(tokenizer.tokenToId("c")).toBeUndefined();
  });

  it("refuses ids outside the vocabulary", () => {
    const tokenizer = CharacterTokenizer.train("ab");
    for (const id of [-1, 3, 0.5, Number.NaN]) {
      expect(() => tokenizer.decode([id])).toThrow(ConfigError);
      expect(() => tokenizer.createDecoder().push(id)).toThrow("expected a token id from 0 to 2");
    }
  });

  it("decodes one id at a time to the same text", () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        const tokenizer = CharacterTokenizer.train(text);
        const decoder = tokenizer.createDecoder();
        const pieces = [...tokenizer.encode(text)].map((id) => decoder.push(id));
        expect(pieces.join("") + decoder.flush()).toBe(text);
        for (const piece of pieces) expect(throughUtf8(piece)).toBe(piece);
      }),
    );
  });
});

describe("CharacterTokenizer, special tokens", () => {
  const tokenizer = CharacterTokenizer.train("ab<>|", { specialTokens: ["<|end|>", "b"] });

  it("have the ids after <unk>, and no character has the same name", () => {
    const tokens = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id));
    expect(tokens).toEqual(["<unk>", "<|end|>", "b", "<", ">", "a", "|"]);
    expect([...tokenizer.specialTokens]).toEqual([
      ["<unk>", 0],
      ["<|end|>", 1],
      ["b", 2],
    ]);
    for (const [id, token] of tokens.entries()) expect(tokenizer.tokenToId(token!)).toBe(id);
  });

  it("are read in a text unless told not to; <unk> never is", () => {
    expect([...tokenizer.encode("a<|end|>b<unk>")]).toEqual([5, 1, 2, 3, 0, 0, 0, 4]);
    expect([...tokenizer.encode("<|end|>b", { parseSpecial: false })]).toEqual([3, 6, 0, 0, 0, 6, 4, 0]);
    expect(tokenizer.unknownCharacters("<|end|>xb")).toEqual(["x"]);
  });

  it("are decoded, or left out", () => {
    const ids = [5, 1, 0, 4];
    expect(tokenizer.decode(ids)).toBe("a<|end|>\ufffd>");
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe("a>");
    const decoder = tokenizer.createDecoder({ skipSpecial: true });
    expect(ids.map((id) => decoder.push(id))).toEqual(["a", "", "", ">"]);
    expect(() => decoder.push(7)).toThrow(ConfigError);
  });

  it("are kept in JSON, which without them is as it always was", () => {
    expect(CharacterTokenizer.train("ba").toJSON()).toEqual({ kind: "character", characters: "ab" });
    const copy = tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
    expect(copy.toJSON()).toEqual(tokenizer.toJSON());
    expect(copy.encode("b<|end|>a")).toEqual(tokenizer.encode("b<|end|>a"));
  });

  it.each([["<unk>"], [""], ["\ud800"], ["x", "x"]])("cannot be %j, %j", (...specialTokens) => {
    expect(() => CharacterTokenizer.train("ab", { specialTokens })).toThrow(ConfigError);
    expect(() => CharacterTokenizer.fromJSON({ characters: "ab", specialTokens })).toThrow(FormatError);
  });
});

describe("tokenizerFromJSON", () => {
  it("gives back the same tokenizer", () => {
    fc.assert(
      fc.property(anyString, wellFormed, (text, other) => {
        const tokenizer = CharacterTokenizer.train(text);
        const copy = tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
        expect(copy.vocabSize).toBe(tokenizer.vocabSize);
        expect(copy.encode(text + other)).toEqual(tokenizer.encode(text + other));
      }),
    );
  });

  it.each([
    [null, "expected an object, got null"],
    ["text", 'expected an object, got "text"'],
    [[], "expected an object, got []"],
    [{}, "or a tokenizer.json with a model, got nothing"],
    [{ kind: 3 }, "or a tokenizer.json with a model, got 3"],
    [{ kind: "words" }, 'or a tokenizer.json with a model, got "words"'],
    [{ kind: "character" }, "characters: expected a string, got undefined"],
    [{ kind: "character", characters: ["a"] }, "characters: expected a string, got object"],
    [{ kind: "character", characters: "aba" }, 'characters: number 2, "a", was there already'],
    [{ kind: "character", characters: "ab", specialTokens: ["b"] }, 'number 1, "b", was there already'],
    [{ kind: "character", characters: "a\ud800" }, "characters: number 1 is half a character"],
  ])("refuses %j", (json, message) => {
    expect(() => tokenizerFromJSON(json)).toThrow(FormatError);
    expect(() => tokenizerFromJSON(json)).toThrow(message);
  });

  it("throws nothing but FormatError", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.record({ kind: fc.constant("character"), characters: anyString })),
        (json) => {
          try {
            tokenizerFromJSON(json);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
    );
  });
});
