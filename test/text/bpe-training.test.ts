/** Training against Hugging Face's BpeTrainer: the same merges and vocabulary (fixtures/make_tokenizer_fixtures.py). */
import { describe, expect, it } from "vitest";
import { type BPEDescription, MERGE_FIELDS } from "../../src/formats/bpe-description.ts";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../../src/text/character-bpe.ts";
import { digest, readTokenizerFixture, type TextSpec, textsOf } from "../helpers/texts.ts";

interface TrainingCase {
  form: BPEDescription["form"];
  text: string;
  options: { vocabSize: number; minFrequency: number; maxTokenLength?: number; specialTokens?: string[] };
  vocabSize: number;
  mergeCount: number;
  /** The first ones. */
  merges: string[];
  /** Of all, where they are more. */
  mergesDigest?: string;
  tokensDigest: string;
}

const { texts, cases } = readTokenizerFixture<{ texts: Record<string, TextSpec>; cases: TrainingCase[] }>(
  "bpe-training.json",
);
const CLASSES = { "byte-level": ByteLevelBPETokenizer, character: CharacterBPETokenizer };

function mergesOf({ tokens, merges }: BPEDescription): string[] {
  return Array.from({ length: merges.length / MERGE_FIELDS }, (_, i) => {
    const [left, right] = merges.subarray(i * MERGE_FIELDS);
    return `${tokens[left]} ${tokens[right]}`;
  });
}

describe.each(["byte-level", "character"] as const)("training a %s BPE", (form) => {
  const named = cases
    .filter((one) => one.form === form)
    .map((one) => ({ ...one, title: `${one.text} ${JSON.stringify(one.options)}` }));

  it.each(named)("makes Hugging Face's merges: $title", async (expected) => {
    const source = textsOf(texts[expected.text]);
    const { description } = await CLASSES[form].train(source, expected.options);
    const merges = mergesOf(description);
    expect(merges.slice(0, expected.merges.length)).toEqual(expected.merges);
    expect(merges).toHaveLength(expected.mergeCount);
    if (expected.mergesDigest) expect(await digest(merges, "\n")).toBe(expected.mergesDigest);
    expect(description.tokens).toHaveLength(expected.vocabSize);
    expect(await digest(description.tokens, "\n")).toBe(expected.tokensDigest);
  });
});
