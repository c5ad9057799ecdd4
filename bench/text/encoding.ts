/** The first pass over fresh text with GPT-2's vocabulary: no encoder has seen any of the text before. */
import type { BPEDescription } from "../../src/formats/bpe-description.ts";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { median, time } from "./measure.ts";
import { loadEncoders, OURS } from "./peers.ts";
import { utf8Length, WORST_CASES } from "./texts.ts";

export interface EncodingRow {
  name: string;
  /** Megabytes of UTF-8 in a second, the median. */
  megabytesPerSecond: number;
  /** How many times as fast ours is: the median of the samples' own ratios. */
  ratio: number;
  sameIds: boolean;
}

/** Code units of a sample. Each is another part of the text; the first ones only warm the code up. */
const SAMPLE = 1_000_000;
const WARM_UP = 2;
const SAMPLES = 7;

export async function benchEncoding(
  english: string,
  gpt2: BPEDescription,
): Promise<{ rows: EncodingRow[]; missing: string[] }> {
  const { encoders, missing } = await loadEncoders(gpt2);
  const speeds = encoders.map((): number[] => []);
  const same = encoders.map(() => true);
  for (let sample = 0; sample < WARM_UP + SAMPLES; sample++) {
    const text = english.slice(sample * SAMPLE, (sample + 1) * SAMPLE);
    const bytes = utf8Length(text);
    let expected: ArrayLike<number> = [];
    for (const [i, { name, create }] of encoders.entries()) {
      const encode = create();
      let ids: ArrayLike<number> = [];
      const milliseconds = await time(() => {
        ids = encode(text);
      });
      if (name === OURS) expected = ids;
      else same[i] &&= areEqual(ids, expected);
      if (sample >= WARM_UP) speeds[i].push(bytes / 1000 / milliseconds);
    }
  }
  const rows = encoders.map(({ name }, i) => ({
    name,
    megabytesPerSecond: median(speeds[i]),
    ratio: median(speeds[i].map((speed, sample) => speeds[0][sample] / speed)),
    sameIds: same[i],
  }));
  return { rows, missing };
}

function areEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (id, i) => id === b[i]);
}

export interface WorstCaseRow {
  name: string;
  task: "encode" | "train";
  /** Milliseconds for half a million code units, and for a million. */
  half: number;
  whole: number;
  /** The median of the runs' own ratios: 2 if linear, 4 if quadratic. */
  growth: number;
}

const RUNS = 5;

export async function benchWorstCases(english: string, gpt2: BPEDescription): Promise<WorstCaseRow[]> {
  const rows: WorstCaseRow[] = [];
  for (const task of ["encode", "train"] as const) {
    for (const [name, make] of Object.entries(WORST_CASES)) {
      const [half, whole] = [500_000, 1_000_000].map((length) => make(length, english));
      const work = async (text: string): Promise<number> => {
        const tokenizer = new ByteLevelBPETokenizer(gpt2);
        return time(() =>
          task === "encode" ? tokenizer.encode(text) : ByteLevelBPETokenizer.train(text, { vocabSize: 4096 }),
        );
      };
      const halves: number[] = [];
      const wholes: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        halves.push(await work(half));
        wholes.push(await work(whole));
      }
      // Of pairs of neighbouring runs: a slow moment of the machine mostly falls on both.
      const growth = median(wholes.map((whole, run) => whole / halves[run]));
      rows.push({ name, task, half: median(halves), whole: median(wholes), growth });
    }
  }
  return rows;
}
