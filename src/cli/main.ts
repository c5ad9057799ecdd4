#!/usr/bin/env node
import { Command, CommanderError } from "commander";
/** The `unrolled` command. Exit codes: 0 done, 1 failure, 2 usage; 130 and 143 when SIGINT or SIGTERM ended a training. */
import manifest from "../../package.json" with { type: "json" };
import { ConfigError, FileError, UnrolledError } from "../errors.ts";
import { evaluateCommand } from "./evaluate.ts";
import { exportCommand } from "./export.ts";
import { withFlags } from "./flags.ts";
import { generateCommand } from "./generate.ts";
import { importCommand } from "./import.ts";
import { inspectCommand } from "./inspect.ts";
import { Interruption } from "./interruption.ts";
import { tokenizerCommand } from "./tokenizer/index.ts";
import { trainCommand } from "./train.ts";

const program = new Command("unrolled")
  .description("Recurrent language models: train them on text, generate from them, measure and inspect them.")
  .version(manifest.version)
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();
for (const create of [
  trainCommand,
  generateCommand,
  evaluateCommand,
  inspectCommand,
  importCommand,
  exportCommand,
  tokenizerCommand,
]) {
  const command = create().copyInheritedSettings(program);
  for (const part of command.commands) part.copyInheritedSettings(program);
  program.addCommand(command);
}

let running = program;
program.hook("preAction", (_, action) => {
  running = action;
});

let isUnheard = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that stops early, such as `head`, is no failure; a command whose work ends in a file goes on without it.
  if (error.code === "EPIPE") {
    const { out } = running.opts();
    if (out === undefined) process.exit(0);
    if (!isUnheard) console.error(`nobody reads the output any more; going on to write ${out}`);
    isUnheard = true;
    return;
  }
  console.error(`error: cannot write to standard output: ${error.message}`);
  process.exit(1);
});
// Nobody is left to tell.
process.stderr.on("error", () => {});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message already; help and version are no errors.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof Interruption) {
    console.error("stopped: nothing was written");
    process.exitCode = error.exitCode;
  } else if (error instanceof UnrolledError) {
    // Messages about files hold names that are the user's.
    const isAboutFile = error instanceof FileError;
    console.error(`error: ${isAboutFile ? error.message : withFlags(error.message, running.options)}`);
    process.exitCode = error instanceof ConfigError ? 2 : 1;
  } else {
    throw error;
  }
}
