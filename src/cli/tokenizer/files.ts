/** What the tokenizer commands read and write: JSON for people too, and standard input where no text is given. */
import { buffer } from "node:stream/consumers";
import { Option } from "commander";
import { ConfigError } from "../../errors.ts";
import { readFileChecked } from "../atomic-write.ts";
import { textOf } from "../setup.ts";

export function asFile(json: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`);
}

export function tokenizerOption(): Option {
  return new Option(
    "--tokenizer <file>",
    "tokenizer.json, or a model that holds its tokenizer (required)",
  ).makeOptionMandatory();
}

export function fileOption(what: string): Option {
  return new Option(
    "--file <path>",
    `read the ${what} from a file (default: the argument, or standard input)`,
  );
}

/** A text given as the argument, in a file, or on standard input. */
export async function givenText(argument: string | undefined, file: string | undefined): Promise<string> {
  if (argument !== undefined && file !== undefined)
    throw new ConfigError("the argument and --file exclude each other");
  if (argument !== undefined) return argument;
  const bytes = file === undefined ? await buffer(process.stdin) : await readFileChecked(file);
  return textOf(bytes, file ?? "standard input");
}
