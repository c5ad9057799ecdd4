/** What the readers of BPE files check alike: ids without gaps, merges of tokens that exist, a token for each byte. */
import { FormatError } from "../errors.ts";
import { MERGE_FIELDS } from "./bpe-description.ts";
import { ALPHABET_END, byteToCharacter, characterToByte } from "./byte-alphabet.ts";
import { isIndex, show } from "./json-values.ts";

/**
 * The tokens in the order of their ids.
 * @throws FormatError, beginning with `where`, unless the ids are 0 … size - 1.
 */
export function tokensById(ids: ReadonlyMap<string, unknown>, where: string): string[] {
  const tokens: (string | undefined)[] = new Array(ids.size).fill(undefined);
  let tooLarge: string | undefined;
  for (const [token, id] of ids) {
    if (!isIndex(id)) {
      throw new FormatError(`${where}: ${show(token)}: expected an id 0, 1, 2 …, got ${show(id)}`);
    }
    if (id >= tokens.length) {
      tooLarge ??= token;
    } else if (tokens[id] !== undefined) {
      throw new FormatError(`${where}: ${show(tokens[id])} and ${show(token)} both have the id ${id}`);
    } else {
      tokens[id] = token;
    }
  }
  if (tooLarge !== undefined) {
    throw new FormatError(
      `${where}: expected ids 0 … ${ids.size - 1} for ${ids.size} tokens, but no token has the id ` +
        `${tokens.indexOf(undefined)} and ${show(tooLarge)} has ${ids.get(tooLarge)}`,
    );
  }
  return tokens as string[];
}

/**
 * Merges for a {@link BPEDescription}, the first of them first. A merge's rank is its index; if `sharedRanks`, the
 * merges in a row that make the same token have one rank.
 * @throws FormatError, beginning with `file` and `where(index)`, for a merge of tokens that don't exist or one that repeats.
 */
export function mergesOf(
  pairs: readonly (readonly [string, string])[],
  ids: ReadonlyMap<string, number>,
  file: string,
  where: (index: number) => string,
  sharedRanks = false,
): Int32Array {
  const merges = new Int32Array(pairs.length * MERGE_FIELDS);
  // The last merge that makes a token, and the one before it that makes the same: few, so a walk finds repeats.
  const lastOf = new Map<number, number>();
  const before = new Int32Array(pairs.length);
  const fail = (index: number, problem: string): never => {
    const [left, right] = pairs[index];
    throw new FormatError(`${file}: ${where(index)}: ${show(left)} and ${show(right)}: ${problem}`);
  };
  const idOf = (token: string, index: number) =>
    ids.get(token) ?? fail(index, `${show(token)} is not in the vocabulary`);
  let rank = -1;
  let previous = -1;
  for (let index = 0; index < pairs.length; index++) {
    const left = idOf(pairs[index][0], index);
    const right = idOf(pairs[index][1], index);
    const made = idOf(pairs[index][0] + pairs[index][1], index);
    before[index] = lastOf.get(made) ?? -1;
    lastOf.set(made, index);
    for (let other = before[index]; other >= 0; other = before[other]) {
      if (merges[other * MERGE_FIELDS] === left) fail(index, `the same merge as ${where(other)}`);
    }
    if (!sharedRanks || made !== previous) rank++;
    previous = made;
    const at = index * MERGE_FIELDS;
    merges[at] = left;
    merges[at + 1] = right;
    merges[at + 2] = made;
    merges[at + 3] = rank;
  }
  return merges;
}

/**
 * @throws FormatError, beginning with `where`, if one of the 256 bytes has no token, or a token that isn't exempt
 * has a character outside the byte alphabet.
 */
export function checkByteTokens(
  ids: ReadonlyMap<string, number>,
  exempt: ReadonlySet<string>,
  where: string,
): void {
  const missing = byteToCharacter.findIndex((character) => !ids.has(character));
  if (missing >= 0) {
    throw new FormatError(
      `${where}: expected a token for each of the 256 bytes, but there is none for byte ${missing}, ` +
        `written ${show(byteToCharacter[missing])}`,
    );
  }
  for (const token of ids.keys()) {
    const outside = outsideAlphabet(token);
    if (outside !== undefined && !exempt.has(token)) {
      throw new FormatError(
        `${where}: ${show(token)}: expected characters of the byte alphabet, got ${show(outside)}; ` +
          "only an added token may have others",
      );
    }
  }
}

function outsideAlphabet(token: string): string | undefined {
  for (let i = 0; i < token.length; i++) {
    const code = token.charCodeAt(i);
    if (code >= ALPHABET_END || characterToByte[code] < 0) return String.fromCodePoint(token.codePointAt(i)!);
  }
  return undefined;
}
