import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const START_LIMIT = 60_000;

/** A peer's process (see peer.mjs), started when it is first asked, and again after it died. */
export class PeerProcess {
  #child;
  #lines;
  #errors = "";

  constructor(command, args, threads) {
    this.command = command;
    this.args = args;
    this.threads = threads;
    /** The library and its version: known once it has started. */
    this.name = undefined;
    /** What there is to say of it, if there is. */
    this.note = undefined;
    /** The kinds of workload that it can do. */
    this.kinds = [];
    /** How long loading the library took, in milliseconds. */
    this.imported = undefined;
  }

  /** @throws Error if it cannot start: a package is missing, or the interpreter. */
  async start() {
    if (this.#child) return;
    this.#errors = "";
    const threads = String(this.threads);
    this.#child = spawn(this.command, [...this.args, threads], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      // Whatever arithmetic library it is built with.
      env: {
        ...process.env,
        OMP_NUM_THREADS: threads,
        MKL_NUM_THREADS: threads,
        OPENBLAS_NUM_THREADS: threads,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    // A failed start or a broken pipe is told by the end of the lines.
    this.#child.on("error", (error) => {
      this.#errors += error.message;
    });
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.on("data", (data) => {
      this.#errors = (this.#errors + data).slice(-2000);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const { name, note, kinds, imported } = await this.#read(START_LIMIT);
    Object.assign(this, { name, note, kinds, imported });
  }

  /** @throws Error if the process fails, ends, or takes longer than `limit` milliseconds. */
  async ask(request, limit) {
    await this.start();
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const reply = await this.#read(limit);
    if (reply.error) throw new Error(reply.error);
    return reply;
  }

  stop() {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #read(limit) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took longer than ${limit / 1000} s`)), limit);
    });
    try {
      const { value, done } = await Promise.race([this.#lines.next(), late]);
      if (done) throw new Error(firstError(this.#errors) || "its process ended");
      return JSON.parse(value);
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The line of a stack trace that says what is wrong. */
function firstError(text) {
  return (
    text
      .split("\n")
      .find((line) => /Error/.test(line))
      ?.trim() ?? text.trim().split("\n").at(-1)
  );
}
