/** How much memory it takes to learn a vocabulary from a file of 100 MB. */
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { shuffledSentences } from "./texts.ts";

export interface MemoryRow {
  megabytes: number;
  vocabSize: number;
  /** Of the whole process. */
  peakMegabytes: number;
  seconds: number;
}

export interface ChildReport {
  bytes: number;
  peakKilobytes: number;
  milliseconds: number;
}

const BYTES = 100_000_000;
const VOCAB_SIZE = 16_384;

export function benchMemory(english: string, folder: string): MemoryRow {
  const path = join(folder, "large.txt");
  for (const part of shuffledSentences(english, BYTES)) appendFileSync(path, part);
  // Bundled beside this file.
  const script = fileURLToPath(new URL("memory-child.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, path, String(VOCAB_SIZE)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`training on ${path} failed: ${stderr}`);
  const { bytes, peakKilobytes, milliseconds } = JSON.parse(stdout) as ChildReport;
  return {
    megabytes: bytes / 1e6,
    vocabSize: VOCAB_SIZE,
    peakMegabytes: (peakKilobytes * 1024) / 1e6,
    seconds: milliseconds / 1000,
  };
}
