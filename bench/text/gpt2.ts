/** GPT-2's vocabulary, from js-tiktoken's ranks of tokens, with the merges that its merges.txt has. */
import gpt2Ranks from "js-tiktoken/ranks/gpt2";
import { type BPEDescription, MERGE_FIELDS } from "../../src/formats/bpe-description.ts";
import { readTiktoken } from "../../src/formats/tiktoken.ts";
import { tiktokenFile } from "../../test/helpers/tiktoken-ranks.ts";

export function readGPT2(): BPEDescription {
  const { special_tokens: specialTokens } = gpt2Ranks;
  const ranked = readTiktoken(tiktokenFile(gpt2Ranks), { pattern: "gpt2", specialTokens });
  return { ...ranked, merges: recoverMerges(ranked), wholePieces: false };
}

/**
 * The file of ranks allows any two tokens to become one. Of the ways to make a token, the merge is the one to which
 * the merges before it lead.
 */
function recoverMerges({ tokens, merges }: BPEDescription): Int32Array {
  const made = new Map<string, { id: number; rank: number }>();
  const candidates = new Map<number, [left: number, right: number][]>();
  for (let i = 0; i < merges.length; i += MERGE_FIELDS) {
    const [left, right, id, rank] = merges.subarray(i);
    made.set(`${left} ${right}`, { id, rank });
    candidates.set(id, [...(candidates.get(id) ?? []), [left, right]]);
  }
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const result: number[] = [];
  for (const id of candidates.keys()) {
    const [left, right] = partsOf(
      [...tokens[id]].map((character) => idOf.get(character)!),
      id,
    );
    result.push(left, right, id, result.length / MERGE_FIELDS);
  }
  return Int32Array.from(result);

  /** Merges, the lowest rank first, until two are left that would become `target`. */
  function partsOf(parts: number[], target: number): number[] {
    while (parts.length > 2) {
      let best = { id: -1, rank: Infinity };
      let at = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const merge = made.get(`${parts[i]} ${parts[i + 1]}`);
        if (merge && merge.id !== target && merge.rank < best.rank) [best, at] = [merge, i];
      }
      if (at < 0) throw new Error(`no merges lead to ${tokens[target]}`);
      parts.splice(at, 2, best.id);
    }
    return parts;
  }
}
