/** js-tiktoken's vocabularies in the format of OpenAI's files. */

/** What js-tiktoken's modules of ranks hold. */
export interface JsTiktokenRanks {
  pat_str: string;
  special_tokens: Record<string, number>;
  /** Lines of `! first-rank token token …`, the tokens in base64 and in the order of their ranks. */
  bpe_ranks: string;
}

/** The text of a .tiktoken file: a line of `token rank` for each token. */
export function tiktokenFile({ bpe_ranks }: JsTiktokenRanks): string {
  return bpe_ranks
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const [, first, ...tokens] = line.split(" ");
      return tokens.map((token, i) => `${token} ${Number(first) + i}\n`);
    })
    .join("");
}
