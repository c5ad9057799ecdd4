import { styleText } from "node:util";
import { Command } from "commander";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { hasColours } from "../colours.ts";
import { sizeOf, warnUnknown } from "../measure.ts";
import { loadTokenizer } from "../tokenizers.ts";
import { fileOption, givenText, tokenizerOption } from "./files.ts";
import { visibleToken } from "./slices.ts";

interface Options {
  tokenizer: string;
  file?: string;
  ids?: boolean;
}

export function showCommand(): Command {
  return new Command("show")
    .description("Show how a text is sliced into tokens, in colours where the output is a terminal.")
    .argument("[text]", "text; without it, standard input is read")
    .addOption(tokenizerOption())
    .addOption(fileOption("text"))
    .option("--ids", "one token a line, with its id")
    .addHelpText(
      "after",
      "\nSpaces are shown as ·, line feeds as ⏎, bytes that are no whole character as <E2 82>.",
    )
    .action(run);
}

async function run(
  argument: string | undefined,
  { tokenizer: path, file, ids: listed }: Options,
): Promise<void> {
  const tokenizer = await loadTokenizer(path);
  const text = await givenText(argument, file);
  const ids = tokenizer.encode(text);
  warnUnknown(tokenizer, text, file ?? "the text", ids);
  const paint = hasColours() ? paintColoured : undefined;
  process.stdout.write(listed ? list(tokenizer, ids, paint) : inline(tokenizer, ids, paint));
  const { characters, bytes } = sizeOf(text);
  const each = ids.length > 0 ? `, ${(bytes / ids.length).toFixed(2)} bytes per token` : "";
  console.log(
    `${plural(characters, "character")}, ${plural(bytes, "byte")}, ${plural(ids.length, "token")}${each}`,
  );
}

type Paint = (text: string, index: number) => string;

/** The slices side by side, with a bar between them where there are no colours. */
function inline(tokenizer: Tokenizer, ids: Int32Array, paint: Paint | undefined): string {
  let shown = "";
  for (const [i, id] of ids.entries()) {
    if (!paint && i > 0 && !shown.endsWith("\n")) shown += "|";
    for (const part of visibleToken(tokenizer, id).split(/(?<=⏎)/)) {
      shown += paint ? paint(part, i) : part;
      if (part.endsWith("⏎")) shown += "\n";
    }
  }
  return shown === "" || shown.endsWith("\n") ? shown : `${shown}\n`;
}

function list(tokenizer: Tokenizer, ids: Int32Array, paint: Paint | undefined): string {
  const width = String(tokenizer.vocabSize - 1).length;
  const lines = Array.from(ids, (id, i) => {
    const slice = visibleToken(tokenizer, id);
    return `${String(id).padStart(width)}  ${paint ? paint(slice, i) : slice}\n`;
  });
  return lines.join("");
}

/** Black is read well on all of them. */
const BACKGROUNDS = [
  "bgYellowBright",
  "bgCyanBright",
  "bgMagentaBright",
  "bgGreenBright",
  "bgWhiteBright",
] as const;

function paintColoured(text: string, index: number): string {
  return styleText(["black", BACKGROUNDS[index % BACKGROUNDS.length]], text);
}

function plural(n: number, what: string): string {
  return `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
}
