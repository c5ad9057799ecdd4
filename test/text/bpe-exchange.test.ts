/** Our tokenizer.json files in Hugging Face's tokenizers: the same ids, the same text (make_tokenizer_fixtures.py). */
import { describe, expect, it } from "vitest";
import { readTokenizerJSON } from "../../src/formats/tokenizer-json.ts";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../../src/text/character-bpe.ts";
import { digest, readTokenizerFixture, type TextSpec, textsOf } from "../helpers/texts.ts";
import { writeTokenizers } from "../helpers/tokenizer-files.ts";

describe("tokenizer.json in Hugging Face's tokenizers", async () => {
  interface ExchangeCase {
    name: string;
    file: string;
    encoded: { text: string; count: number; digest: string; decoded: string }[];
  }
  const { texts, cases } = readTokenizerFixture<{ texts: Record<string, TextSpec>; cases: ExchangeCase[] }>(
    "exchange.json",
  );
  const written = await writeTokenizers();

  it("is tested with every file that is written", () => {
    expect(cases.map(({ name }) => name)).toEqual(Object.keys(written));
  });

  it.each(cases)("encodes and decodes the same: $name", async ({ name, file, encoded }) => {
    // If this fails alone, files are written in another way than when make_tokenizer_fixtures.py ran.
    expect(await digest([written[name]], "")).toBe(file);
    const description = readTokenizerJSON(JSON.parse(written[name]));
    const byteLevel = description.form === "byte-level";
    const tokenizer = new (byteLevel ? ByteLevelBPETokenizer : CharacterBPETokenizer)(description);
    for (const { text, count, ...expected } of encoded) {
      const ids = tokenizer.encode(textsOf(texts[text])[0]);
      expect({ text, count: ids.length }).toEqual({ text, count });
      expect({ text, digest: await digest(ids, ",") }).toEqual({ text, digest: expected.digest });
      expect({ text, decoded: await digest([tokenizer.decode(ids)], "") }).toEqual({
        text,
        decoded: expected.decoded,
      });
    }
  });
});
