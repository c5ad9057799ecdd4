import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const START_LIMIT = 60_000;

/** One thread each, whatever arithmetic library it is built with. */
const environment = { ...process.env, OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };

/** A peer's process (see peer.mjs), started when it is first asked, and again after it died. */
export class PeerProcess {
  #child;
  #lines;
  #errors = "";

  constructor(command, args) {
    this.command = command;
    this.args = args;
    /** The library and its version: known once it has started. */
    this.name = undefined;
    /** The kinds of workload that it can do. */
    this.kinds = [];
    /** How long loading the library took, in milliseconds. */
    this.imported = undefined;
  }

  /** @throws Error if it cannot start: a package is missing, or the interpreter. */
  async start() {
    if (this.#child) return;
    this.#errors = "";
    this.#child = spawn(this.command, this.args, {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      env: environment,
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
    ({ name: this.name, kinds: this.kinds, imported: this.imported } = await this.#read(START_LIMIT));
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
