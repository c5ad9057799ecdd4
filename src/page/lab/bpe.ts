/** Learns byte pairs from a text. */
import { type BPEDescription, type BPEProgress, ByteLevelBPETokenizer } from "../library.ts";

export interface BPEInput {
  text: string;
  vocabSize: number;
}

export type BPEStatus = BPEProgress;

export interface BPEOutput {
  description: BPEDescription;
  seconds: number;
}

export async function learnBPE(
  { text, vocabSize }: BPEInput,
  onProgress: (progress: BPEStatus) => void,
): Promise<BPEOutput> {
  const start = performance.now();
  const tokenizer = await ByteLevelBPETokenizer.train(text, { vocabSize, onProgress });
  return { description: tokenizer.description, seconds: (performance.now() - start) / 1000 };
}
