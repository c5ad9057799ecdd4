/** The library's names in the words of the command line, for its errors: `--batch-size` for `batchSize`. */
import type { Option } from "commander";

/** Options that are called otherwise here. */
const ALIASES: Record<string, string> = {
  numLayers: "layers",
  validationFraction: "validation",
  specialTokens: "special",
};
const CELLS: Record<string, string> = { "gru-after": "gru", "rnn-tanh": "rnn" };

/**
 * Puts the flags of the options that a command has into a message. Words that may be a path's parts stay, and ordinary
 * words too, except an option's name that the message begins with.
 */
export function withFlags(message: string, options: readonly Option[]): string {
  const flags = new Map(options.map((option) => [option.attributeName(), option.long]));
  return message.replace(
    /(?<![\w./\\-])[a-z]+(?:[A-Z-][a-zA-Z]*)+(?![\w/\\-]|\.\w)|^[a-z]+(?=: )/g,
    (word) => CELLS[word] ?? flags.get(ALIASES[word] ?? word) ?? word,
  );
}
