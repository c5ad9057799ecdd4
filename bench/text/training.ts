/** How long it takes to learn a vocabulary, against Hugging Face's trainer, and how that grows with the text. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MERGE_FIELDS } from "../../src/formats/bpe-description.ts";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { trainWithHuggingFace } from "./hugging-face.ts";
import { median, times } from "./measure.ts";
import { firstOf, utf8Length } from "./texts.ts";

export interface TrainingRow {
  vocabSize: number;
  megabytes: number;
  /** Milliseconds, the median; `first` is the first run, before the code is compiled in full. */
  ours: number;
  first: number;
  huggingFace?: number;
  /** Hugging Face's time over ours. */
  speedup?: number;
  /** Whether both learnt the same merges. */
  sameMerges?: boolean;
}

export interface GrowthRow {
  megabytes: number;
  ours: number;
  /** Times the time of the row before, whose text is half as long. */
  growth?: number;
}

/** The texts are many: Hugging Face's trainer takes about twice as long when they come as one long string. */
export async function benchTraining(texts: readonly string[], folder: string): Promise<TrainingRow[]> {
  return [
    await compareTraining(firstOf(texts, 1_000_000), 4096, 3, folder),
    await compareTraining(texts, 16_384, 1, folder),
  ];
}

/** Rounds of runs of each in turns, so that a slow moment of the machine does not fall on one of them alone. */
const ROUNDS = 3;

async function compareTraining(
  texts: readonly string[],
  vocabSize: number,
  runs: number,
  folder: string,
): Promise<TrainingRow> {
  const path = join(folder, "texts.json");
  writeFileSync(path, JSON.stringify(texts));
  let tokenizer: ByteLevelBPETokenizer | undefined;
  const train = async () => {
    tokenizer = await ByteLevelBPETokenizer.train(texts, { vocabSize });
  };
  const [first] = await times(1, train);
  const ours: number[] = [];
  const theirs: number[] = [];
  let theirDigest: string | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(...(await times(runs, train)));
    const result = trainWithHuggingFace(path, vocabSize, runs);
    theirs.push(...(result?.times ?? []));
    theirDigest = result?.digest;
  }
  const row: TrainingRow = {
    vocabSize,
    megabytes: utf8Length(texts.join("")) / 1e6,
    ours: median(ours),
    first,
  };
  if (theirDigest === undefined) return row;
  const huggingFace = median(theirs);
  const sameMerges = digestOf(tokenizer!) === theirDigest;
  return { ...row, huggingFace, speedup: huggingFace / row.ours, sameMerges };
}

function digestOf({ description: { tokens, merges } }: ByteLevelBPETokenizer): string {
  const lines = Array.from({ length: merges.length / MERGE_FIELDS }, (_, i) => {
    const [left, right] = merges.subarray(i * MERGE_FIELDS);
    return `${tokens[left]} ${tokens[right]}`;
  });
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

export async function benchGrowth(texts: readonly string[]): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const megabytes of [1, 2, 4, 8]) {
    const text = firstOf(texts, megabytes * 1e6);
    const ours = median(await times(3, () => ByteLevelBPETokenizer.train(text, { vocabSize: 4096 })));
    rows.push({ megabytes, ours, growth: rows.length > 0 ? ours / rows[rows.length - 1].ours : undefined });
  }
  return rows;
}
