/*
 * Answers the requests that come over a port. One trainer a port; `open` comes first.
 */
import { countCores } from "../engine/spawn.ts";
import { ConfigError } from "../errors.ts";
import { type Port, type Request, type Response, toPlainError } from "./protocol.ts";
import { Run } from "./run.ts";

/** Tokens are gathered so long, in milliseconds, before they are sent. */
const GATHER = 30;

const NOT_SHARED = "This browser lets workers share no memory, so training runs on one thread.";
const NOT_ISOLATED =
  "This page is not cross-origin isolated, so training runs on one thread. A server that sends the headers " +
  "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp gives it all cores.";

/** Serves until the worker ends. */
export function serve(port: Port): void {
  let run: Run | undefined;
  const streams = new Map<number, AbortController>();
  const post = (response: Response, transfer: Transferable[] = []): void =>
    port.postMessage(response, transfer);
  const opened = (): Run => {
    if (!run) throw new ConfigError("the trainer was not opened");
    return run;
  };

  /** What a request gives, and which of its buffers the receiver gets for good. */
  const answer = async (request: Request): Promise<[output: unknown, transfer?: Transferable[]]> => {
    switch (request.call) {
      case "open": {
        const { source, isolated } = request.input;
        run = await Run.open(source, {
          reports: (reports) => post({ kind: "reports", reports }),
          state: (state, error) =>
            post({ kind: "state", state, ...(error !== undefined && { error: toPlainError(error) }) }),
        });
        const info = run.info();
        const isAlone = info.threads === 1 && info.options.engine?.threads !== 1 && countCores() > 1;
        return [{ ...info, ...(isAlone && { notice: isolated ? NOT_SHARED : NOT_ISOLATED }) }];
      }
      case "run":
        return [await opened().start()];
      case "pause":
        return [await opened().pause()];
      case "adjust":
        return [opened().adjust(request.input)];
      case "save": {
        const bytes = opened().save();
        return [bytes, [bytes.buffer]];
      }
      case "checkpoint":
        return [await opened().checkpoint()];
      case "generate":
        return [await stream(request.id, request.input)];
      case "inspect": {
        const { text, options } = request.input;
        return [opened().inspect(text, options)];
      }
      case "cancel":
        return [streams.get(request.id)?.abort()];
    }
  };

  const stream = async (
    id: number,
    { prompt, options }: { prompt: string; options: object },
  ): Promise<void> => {
    const stop = new AbortController();
    streams.set(id, stop);
    let tokens = [];
    let sent = performance.now();
    try {
      for await (const token of opened().generate(prompt, { ...options, signal: stop.signal })) {
        tokens.push(token);
        if (performance.now() - sent < GATHER) continue;
        post({ kind: "tokens", id, tokens });
        tokens = [];
        sent = performance.now();
      }
      if (tokens.length > 0) post({ kind: "tokens", id, tokens });
    } finally {
      streams.delete(id);
    }
  };

  port.onmessage = ({ data }) => {
    const request = data as Request;
    answer(request).then(
      ([output, transfer]) => {
        if (request.call !== "cancel") post({ kind: "done", id: request.id, output }, transfer);
      },
      (error) => post({ kind: "error", id: request.id, error: toPlainError(error) }),
    );
  };
}
