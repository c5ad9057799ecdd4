/** Finds the tokens that are written out in a text, such as `<|endoftext|>`, before anything else is done with it. */
import { ConfigError } from "../errors.ts";
import type { AddedToken } from "../formats/bpe-description.ts";

/** In UTF-16 units. Runtimes compile no expression for words of some ten thousand. */
export const LONGEST = 1000;

export class AddedTokens {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #all: RegExp | undefined;
  readonly #ordinary: RegExp | undefined;
  /** The special ones. */
  readonly special: ReadonlyMap<string, number>;

  /** @throws ConfigError for a token that is too long. */
  constructor(tokens: readonly AddedToken[]) {
    const long = tokens.find(({ content }) => content.length > LONGEST);
    if (long)
      throw new ConfigError(`special tokens have at most ${LONGEST} characters, got ${long.content.length}`);
    const idsOf = (some: readonly AddedToken[]) => new Map(some.map(({ content, id }) => [content, id]));
    this.#ids = idsOf(tokens);
    this.special = idsOf(tokens.filter((token) => token.special));
    this.#all = matcher(tokens);
    this.#ordinary = matcher(tokens.filter((token) => !token.special));
  }

  /**
   * Cuts a text at the tokens in it, from left to right, the longest where several begin: calls onText with what
   * stands between them (never empty) and onToken with their ids. Without parseSpecial the special ones are text.
   */
  split(
    text: string,
    parseSpecial: boolean,
    onText: (text: string) => void,
    onToken: (id: number) => void,
  ): void {
    const regex = parseSpecial ? this.#all : this.#ordinary;
    let from = 0;
    if (regex) {
      for (const match of text.matchAll(regex)) {
        if (match.index > from) onText(text.slice(from, match.index));
        onToken(this.#ids.get(match[0])!);
        from = match.index + match[0].length;
      }
    }
    if (from < text.length) onText(from === 0 ? text : text.slice(from));
  }
}

function matcher(tokens: readonly AddedToken[]): RegExp | undefined {
  if (tokens.length === 0) return undefined;
  // Of several alternatives that match, an expression takes the first.
  const longestFirst = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
  return new RegExp(
    longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"),
    "gu",
  );
}
