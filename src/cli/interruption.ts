/** Ctrl-C and SIGTERM: the first asks a command to stop, a second ends the process in the usual way. */

/** Why a command stopped before there was anything to write. */
export class Interruption {
  readonly exitCode: number;

  constructor(exitCode: number) {
    this.exitCode = exitCode;
  }
}

/** Aborts with an {@link Interruption} at the first signal from now on. */
export function interruptSignal(): AbortSignal {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Interruption(130)));
  process.once("SIGTERM", () => stop.abort(new Interruption(143)));
  return stop.signal;
}
