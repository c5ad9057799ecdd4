import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.ts";
import { PATTERNS } from "../../src/formats/patterns.ts";
import { createPreTokenizer } from "../../src/text/pre-tokenizer.ts";
import { type ReadOptions, readPieces, type TextSource } from "../../src/text/text-source.ts";

async function read(source: TextSource, options?: ReadOptions): Promise<string[]> {
  const pieces: string[] = [];
  const preTokenizer = createPreTokenizer(PATTERNS.gpt2);
  await readPieces(source, preTokenizer, (text, start, end) => pieces.push(text.slice(start, end)), options);
  return pieces;
}

function streamOf(bytes: Uint8Array, chunk: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += chunk)));
    },
  });
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("readPieces", () => {
  it("takes each string as a text of its own", async () => {
    expect(await read("a  b")).toEqual(["a", " ", " b"]);
    expect(await read(["a ", " b"])).toEqual(["a", " ", " b"]);
    expect(await read(["a", "b"])).toEqual(["a", "b"]);
    async function* later() {
      yield "one two";
      yield streamOf(utf8("three"), 2);
    }
    expect(await read(later())).toEqual(["one", " two", "three"]);
    expect(await read([])).toEqual([]);
    expect(await read("")).toEqual([]);
  });

  it("reads a lone surrogate as U+FFFD", async () => {
    expect(await read("a\ud800")).toEqual(["a", "\ufffd"]);
  });

  it("cuts a stream as it would cut the whole text, wherever its chunks end", async () => {
    const text = fc.array(
      fc.constantFrom("word", " ", "\n", "don't", "é", "中文", "👩‍👩‍👧", "12", "…", "  \n ", "x".repeat(40)),
      { minLength: 3000, maxLength: 4000 },
    );
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 5000 }), async (parts, chunk) => {
        // More than one window: that is 2^20 code units.
        const whole = parts.join("").repeat(Math.ceil(2 ** 21 / parts.join("").length));
        expect(await read(streamOf(utf8(whole), chunk * 97))).toEqual(await read(whole));
      }),
      { numRuns: 3 },
    );
  });

  it("reads a stream that is one long piece", async () => {
    const long = "a".repeat(3_000_000);
    expect(await read(streamOf(utf8(long), 1 << 16))).toEqual([long]);
  });

  it("tells how far it is, and pauses so that a signal is heard", async () => {
    const text = "some words ".repeat(500_000);
    const seen: number[] = [];
    await read(text, { onProgress: (characters) => seen.push(characters) });
    expect(seen.at(-1)).toBe(text.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));

    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 1);
    await expect(read(text.repeat(4), { signal: stop.signal })).rejects.toThrow("enough");
  });

  it("lets go of a stream that it does not read to its end", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(utf8("word ".repeat(10_000))),
      cancel: () => {
        cancelled = true;
      },
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    await expect(read(endless, { signal: stop.signal })).rejects.toThrow();
    expect(cancelled).toBe(true);
  });

  it("refuses what is no text", async () => {
    await expect(read(17 as never)).rejects.toThrow(ConfigError);
    await expect(read([new Uint8Array(3)] as never)).rejects.toThrow(
      /expected a string, a ReadableStream of bytes, or an iterable of these, got one of Uint8Array/,
    );
    await expect(read(streamOf(new Uint8Array([0x61, 0xff]), 1))).rejects.toThrow(FormatError);
    await expect(read(streamOf(utf8("é").subarray(0, 1), 1))).rejects.toThrow(/not UTF-8/);
  });
});
