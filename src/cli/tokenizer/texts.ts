/** Text files to train a tokenizer on. */
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import { FormatError } from "../../errors.ts";
import { readChunks } from "../atomic-write.ts";

/** The files' bytes, one file after the other; each is open only while it is read. */
export class Texts implements AsyncIterable<ReadableStream<Uint8Array>> {
  readonly #files: readonly string[];
  /** The first megabyte that was read, and whether there was more. */
  beginning = "";
  isLonger = false;
  #room = 1e6;
  /** The file that is being read. */
  #current = "";

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  /** What is wrong with the file that is being read. */
  about(error: FormatError): FormatError {
    return new FormatError(`${this.#current}: ${error.message}`, { cause: error });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReadableStream<Uint8Array>> {
    for (const file of this.#files) {
      this.#current = file;
      const stream = Readable.from(this.#read(file), { objectMode: false });
      yield Readable.toWeb(stream) as WebStream<Uint8Array> as ReadableStream<Uint8Array>;
    }
  }

  async *#read(file: string): AsyncGenerator<Uint8Array> {
    const decoder = new TextDecoder();
    for await (const chunk of readChunks(file)) {
      // What is left of a character at the end is not given out.
      this.beginning += decoder.decode(chunk.subarray(0, this.#room), { stream: true });
      this.isLonger ||= chunk.length > this.#room;
      this.#room -= Math.min(this.#room, chunk.length);
      yield chunk;
    }
  }
}
