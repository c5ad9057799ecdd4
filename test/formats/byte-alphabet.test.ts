import { describe, expect, it } from "vitest";
import { ALPHABET_END, byteToCharacter, characterToByte } from "../../src/formats/byte-alphabet.ts";

describe("the byte alphabet", () => {
  it.each([
    [0x00, "Ā"],
    [0x0a, "Ċ"],
    [0x20, "Ġ"],
    [0x21, "!"],
    [0x7e, "~"],
    [0x7f, "ġ"],
    [0xa0, "ł"],
    [0xa1, "¡"],
    [0xac, "¬"],
    [0xad, "Ń"],
    [0xae, "®"],
    [0xff, "ÿ"],
  ])("writes byte %i as %s", (byte, character) => {
    expect(byteToCharacter[byte]).toBe(character);
    expect(characterToByte[character.charCodeAt(0)]).toBe(byte);
  });

  it("has one character for each byte, and no other", () => {
    expect(byteToCharacter).toHaveLength(256);
    expect(new Set(byteToCharacter).size).toBe(256);
    expect(characterToByte).toHaveLength(ALPHABET_END);
    expect(characterToByte.filter((byte) => byte >= 0).sort()).toEqual(
      Int16Array.from({ length: 256 }, (_, byte) => byte),
    );
  });

  it("is the one that Hugging Face's tokenizers have, in the order of its characters", () => {
    // "".join(sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())), in ranges of code points.
    const ranges = [
      [0x21, 0x7e],
      [0xa1, 0xac],
      [0xae, 0x143],
    ];
    const expected = ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)),
    );
    expect([...byteToCharacter].sort()).toEqual(expected);
  });
});
