import { Command } from "commander";
import { convertCommand } from "./convert.ts";
import { decodeCommand } from "./decode.ts";
import { encodeCommand } from "./encode.ts";
import { showCommand } from "./show.ts";
import { trainTokenizerCommand } from "./train.ts";

export function tokenizerCommand(): Command {
  const group = new Command("tokenizer").description(
    "Train tokenizers, use them, and look at how they slice text.",
  );
  for (const create of [trainTokenizerCommand, encodeCommand, decodeCommand, showCommand, convertCommand]) {
    group.addCommand(create());
  }
  return group;
}
