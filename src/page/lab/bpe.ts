/** Learns byte pairs from a text. */
import { type BPEDescription, type BPEProgress, ByteLevelBPETokenizer, MERGE_FIELDS } from "../library.ts";

export interface BPEInput {
  text: string;
  vocabSize: number;
}

export type BPEStatus = BPEProgress;

export interface BPEOutput {
  description: BPEDescription;
  seconds: number;
  /** How well vocabularies of several sizes do on the text's beginning. */
  growth: { size: number; bytesPerToken: number }[];
}

export async function learnBPE(
  { text, vocabSize }: BPEInput,
  onProgress: (progress: BPEStatus) => void,
): Promise<BPEOutput> {
  const start = performance.now();
  const tokenizer = await ByteLevelBPETokenizer.train(text, { vocabSize, onProgress });
  const seconds = (performance.now() - start) / 1000;
  const { description } = tokenizer;
  return { description, seconds, growth: measureGrowth(description, text.slice(0, SAMPLE)) };
}

/** Characters to encode. */
const SAMPLE = 20_000;
const POINTS = 30;

function measureGrowth(description: BPEDescription, sample: string): BPEOutput["growth"] {
  const bytes = new TextEncoder().encode(sample).length;
  const most = description.tokens.length;
  const sizes = Array.from({ length: POINTS + 1 }, (_, i) => Math.round(256 * (most / 256) ** (i / POINTS)));
  return [...new Set(sizes)].map((size) => {
    const ids = new ByteLevelBPETokenizer(cutTo(description, size)).encode(sample, { parseSpecial: false });
    return { size, bytesPerToken: bytes / ids.length };
  });
}

/** How many merges there are among so many tokens: merges are in the order in which they were learnt. */
export function mergesWithin({ merges, tokens }: BPEDescription, count: number): number {
  if (count >= tokens.length) return merges.length / MERGE_FIELDS;
  let low = 0;
  let high = merges.length / MERGE_FIELDS;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (merges[middle * MERGE_FIELDS + 2] < count) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The vocabulary as it was when so many tokens had been learnt. */
export function cutTo(description: BPEDescription, count: number): BPEDescription {
  return {
    ...description,
    tokens: description.tokens.slice(0, count),
    merges: description.merges.slice(0, MERGE_FIELDS * mergesWithin(description, count)),
  };
}
