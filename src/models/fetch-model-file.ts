import { ConfigError, FileError } from "../errors.ts";

export interface FetchOptions {
  /** The most bytes to accept, from 1 on. Default 256 MiB. */
  maximumBytes?: number;
  /** How long the whole file may take, in milliseconds, above 0; Infinity for no limit. Default one minute. */
  timeout?: number;
  signal?: AbortSignal;
  /** Called as bytes come in; `total` is what the server says, if it does. */
  onProgress?: (received: number, total: number | undefined) => void;
}

/**
 * Fetches a model's file, which may come from a stranger: no more than so many bytes, in no more than so long. What
 * the bytes are, `loadLanguageModel` (`loadModel`) checks.
 * @throws FileError if the server does not answer, not with the file, too slowly or with too much; what the signal
 *   was aborted with; what `onProgress` throws; ConfigError on an option out of range.
 */
export async function fetchModelFile(
  url: string | URL,
  { maximumBytes = 0x10000000, timeout = 60_000, signal, onProgress }: FetchOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(maximumBytes >= 1)) throw new ConfigError(`maximumBytes must be at least 1, got ${maximumBytes}`);
  if (!(timeout > 0)) throw new ConfigError(`timeout must be above 0 milliseconds, got ${timeout}`);
  const refuse = (problem: string, cause?: unknown): FileError =>
    new FileError(`${url}: ${problem}`, { cause });
  signal?.throwIfAborted();
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal!.reason);
  signal?.addEventListener("abort", abort);
  const late = refuse(`expected the whole file within ${timeout} ms`);
  // A timer with more is one with none.
  const timer = setTimeout(() => stop.abort(late), Math.min(timeout, 2147483647));
  const failed = (error: Error): never => {
    // Not every runtime passes on what a request or a stream was aborted with.
    throw stop.signal.aborted
      ? stop.signal.reason
      : refuse(`it could not be fetched: ${error.message}`, error);
  };
  try {
    const response = await fetch(url, { signal: stop.signal }).catch(failed);
    if (!response.ok || !response.body) throw refuse(`expected a file, got HTTP status ${response.status}`);
    const tooLarge = (bytes: number): FileError =>
      refuse(`expected at most ${maximumBytes} bytes, got ${bytes} or more`);
    // Of what was compressed on the way it is the compressed length, and it may be wrong: a hint.
    const total = Number(response.headers.get("content-length")) || undefined;
    if (total && total > maximumBytes) throw tooLarge(total);
    const chunks: Uint8Array[] = [];
    let received = 0;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(failed);
      if (done) break;
      received += value.length;
      if (received > maximumBytes) throw tooLarge(received);
      chunks.push(value);
      onProgress?.(received, total);
    }
    const file = new Uint8Array(received);
    let at = 0;
    for (const chunk of chunks) {
      file.set(chunk, at);
      at += chunk.length;
    }
    return file;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    // Nothing more is wanted of a server that goes on sending.
    stop.abort();
  }
}
