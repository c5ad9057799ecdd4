/** tokenizer.json files for Hugging Face's tokenizers to read: test/fixtures/make_tokenizer_fixtures.py asks for them. */
import cl100kRanks from "js-tiktoken/ranks/cl100k_base";
import gpt2Ranks from "js-tiktoken/ranks/gpt2";
import { readTiktoken } from "../../src/formats/tiktoken.ts";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../../src/text/character-bpe.ts";
import { textsOf } from "./texts.ts";
import { tiktokenFile } from "./tiktoken-ranks.ts";

const SENNRICH = `${"low ".repeat(5)}${"lower ".repeat(2)}${"newest ".repeat(6)}${"widest ".repeat(3)}`;
const specialTokens = ["<|endoftext|>", "<|pad|>"];

/** The files' texts by their names: trained ones of every kind, and the two vocabularies of tiktoken. */
export async function writeTokenizers(): Promise<Record<string, string>> {
  const text = textsOf({ file: "moby-dick" })[0];
  const tokenizers = {
    "byte-level, gpt2": await ByteLevelBPETokenizer.train(text, { vocabSize: 2000, specialTokens }),
    "byte-level, cl100k": await ByteLevelBPETokenizer.train(text, { vocabSize: 1000, pattern: "cl100k" }),
    "byte-level, own pattern": await ByteLevelBPETokenizer.train(text, {
      vocabSize: 700,
      pattern: String.raw`\p{L}+|\s|[^\s\w]{1,2}`,
      specialTokens: specialTokens.slice(0, 1),
    }),
    character: await CharacterBPETokenizer.train(text, { vocabSize: 1500, specialTokens }),
    "character, Sennrich et al.": await CharacterBPETokenizer.train(SENNRICH, {
      vocabSize: 27,
      minFrequency: 1,
    }),
    "tiktoken, gpt2": new ByteLevelBPETokenizer(
      readTiktoken(tiktokenFile(gpt2Ranks), { pattern: "gpt2", specialTokens: gpt2Ranks.special_tokens }),
    ),
    "tiktoken, cl100k": new ByteLevelBPETokenizer(
      readTiktoken(tiktokenFile(cl100kRanks), {
        pattern: "cl100k",
        specialTokens: { "<|endoftext|>": 100257 },
      }),
    ),
  };
  return Object.fromEntries(
    Object.entries(tokenizers).map(([name, tokenizer]) => [name, JSON.stringify(tokenizer)]),
  );
}
