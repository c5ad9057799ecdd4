/** Texts to learn a vocabulary from: strings, or streams of bytes of which only a part is in memory at a time. */
import { ConfigError, FormatError } from "../errors.ts";
import { createPacer } from "../macrotask.ts";
import { forEachPiece, type PreTokenizer } from "./pre-tokenizer.ts";

/**
 * One text, or several: each item of an iterable is a text of its own, and nothing is learnt across its ends. A
 * stream is one text in UTF-8: `file.stream()` of a Blob, `response.body`, or in Node
 * `Readable.toWeb(createReadStream(path))`.
 */
export type TextSource = Text | Iterable<Text> | AsyncIterable<Text>;

type Text = string | ReadableStream<Uint8Array>;

export interface ReadOptions {
  /** Hears, every now and then, how many code units have been read. */
  onProgress?: (characters: number) => void;
  /** Stops the reading: it then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Code units of a stream that are looked at in one go, at least. */
const WINDOW = 1 << 20;
/**
 * How far from the end of what has come of a stream a piece must end to be taken: the rest might become other
 * pieces when more comes. No usual pattern looks that far ahead.
 */
const MARGIN = 1 << 14;
/** Pieces from one look at the clock to the next. */
const PIECES = 1 << 13;

/**
 * Calls visit with each piece, `text.slice(start, end)`, that the source's texts are cut into. Pauses now
 * and then, so that timers and signals are heard.
 * @throws ConfigError for a source of another kind; FormatError for a stream that is not UTF-8.
 */
export async function readPieces(
  source: TextSource,
  preTokenizer: PreTokenizer,
  visit: (text: string, start: number, end: number) => void,
  { onProgress, signal }: ReadOptions = {},
): Promise<void> {
  const pace = createPacer();
  let total = 0;
  /** Reads the pieces that end by `limit`, and returns where the last of them ends. */
  const scan = async (text: string, limit: number): Promise<number> => {
    let read = 0;
    for (let more = true; more; ) {
      more = false;
      let pieces = 0;
      const visitPiece = (start: number, end: number): boolean => {
        if (end > limit) return false;
        visit(text, start, end);
        read = end;
        more = ++pieces === PIECES;
        return !more;
      };
      forEachPiece(text, preTokenizer, visitPiece, read);
      signal?.throwIfAborted();
      const pause = pace();
      if (pause) {
        onProgress?.(total + read);
        await pause;
      }
    }
    total += read;
    return read;
  };

  for await (const text of textsOf(source)) {
    if (typeof text === "string") {
      await scan(text.toWellFormed(), text.length);
      continue;
    }
    let window = "";
    let wanted = WINDOW;
    for await (const chunk of decoded(text)) {
      window += chunk;
      if (window.length < wanted) continue;
      window = window.slice(await scan(window, window.length - MARGIN));
      // A piece without end must not be looked at again with every chunk.
      wanted = Math.max(WINDOW, 2 * window.length);
    }
    await scan(window, window.length);
  }
  onProgress?.(total);
}

async function* textsOf(source: TextSource): AsyncGenerator<Text> {
  const expected = "expected a string, a ReadableStream of bytes, or an iterable of these";
  if (isText(source)) {
    yield source;
  } else if (Symbol.iterator in Object(source) || Symbol.asyncIterator in Object(source)) {
    for await (const text of source) {
      if (!isText(text)) throw new ConfigError(`texts: ${expected}, got one of ${describe(text)}`);
      yield text;
    }
  } else {
    throw new ConfigError(`texts: ${expected}, got ${describe(source)}`);
  }
}

function isText(value: unknown): value is Text {
  return typeof value === "string" || value instanceof ReadableStream;
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? value.constructor?.name : String(value);
}

/** Not every browser can iterate over a stream. */
async function* decoded(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      let text: string;
      try {
        text = done ? decoder.decode() : decoder.decode(value, { stream: true });
      } catch (cause) {
        throw new FormatError("texts: a stream is not UTF-8 text", { cause });
      }
      yield text;
      if (done) return;
    }
  } finally {
    await reader.cancel();
  }
}
