/**
 * Reads tiktoken's rank files (.tiktoken, https://github.com/openai/tiktoken): one token a line, its bytes in
 * base64, a space, and its rank, which is also its id. There are no merges: two neighbours merge if their bytes
 * together are a token, the token of the lowest rank first. The pre-tokenizer's pattern and the special tokens
 * aren't in the file.
 */
import { ConfigError, FormatError } from "../errors.ts";
import type { AddedToken, BPEDescription } from "./bpe-description.ts";
import { byteToCharacter } from "./byte-alphabet.ts";
import { isIndex, show } from "./json-values.ts";
import { patternSource } from "./patterns.ts";

export interface TiktokenOptions {
  /** The pre-tokenizer's pattern: a name, `"gpt2"` or `"cl100k"`, or a regular expression's source. */
  pattern: string;
  /** The ids of the special tokens by their names. */
  specialTokens?: Readonly<Record<string, number>>;
}

/** Ids between the file's and the special tokens' are filled up; more than this are a mistake. */
const MAX_RESERVED = 1024;

/**
 * An id that neither the file nor `specialTokens` names, below the largest special id (cl100k has no 100256), gets
 * the special token `<|reserved_100256|>`, since ids have no gaps.
 *
 * @throws FormatError saying what is wrong in which line.
 * @throws ConfigError for special tokens that share ids, or have one of the file's, or have no name that a text can hold.
 */
export function readTiktoken(text: string, { pattern, specialTokens = {} }: TiktokenOptions): BPEDescription {
  const special = namesById(specialTokens);
  const ranks = parseLines(text);
  const entries = [...ranks.values()].sort((a, b) => a.rank - b.rank);
  checkBytes(ranks);
  checkRanks(entries, special);

  let size = entries[entries.length - 1].rank + 1;
  for (const id of special.keys()) size = Math.max(size, id + 1);
  const unnamed = size - entries.length - special.size;
  if (unnamed > MAX_RESERVED) {
    throw new ConfigError(
      `specialTokens: expected at most ${MAX_RESERVED} ids without a token below the largest, ` +
        `got ${unnamed} below ${size - 1}`,
    );
  }
  const tokens: string[] = [];
  const addedTokens: AddedToken[] = [];
  for (const { rank, bytes } of entries) {
    addSpecial(rank);
    tokens.push(inByteAlphabet(bytes));
  }
  addSpecial(size);
  checkDistinct(addedTokens, tokens);

  return {
    form: "byte-level",
    tokens,
    addedTokens,
    merges: allSplits(entries, ranks),
    wholePieces: true,
    pattern: patternSource(pattern),
    addPrefixSpace: false,
  };

  function addSpecial(end: number): void {
    for (let id = tokens.length; id < end; id++) {
      const content = special.get(id) ?? `<|reserved_${id}|>`;
      addedTokens.push({ id, content, special: true });
      tokens.push(content);
    }
  }
}

interface Entry {
  bytes: string;
  rank: number;
  line: number;
}

/** By the token's bytes, one character each, U+0000 … U+00FF. */
function parseLines(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [index, content] of text.split("\n").entries()) {
    const line = index + 1;
    const trimmed = content.trimEnd();
    if (trimmed === "") continue;
    const [base64, digits, ...rest] = trimmed.split(" ");
    const bytes = decodeBase64(base64);
    if (bytes === undefined || !/^\d+$/.test(digits ?? "") || !isIndex(Number(digits)) || rest.length > 0) {
      fail(line, `expected a token in base64, a space and its rank, got ${show(trimmed)}`);
    }
    const first = entries.get(bytes);
    if (first !== undefined) fail(line, `the token ${show(base64)} is already in line ${first.line}`);
    entries.set(bytes, { bytes, rank: Number(digits), line });
  }
  return entries;
}

/** Undefined if it isn't base64 of at least one byte. */
function decodeBase64(text: string): string | undefined {
  // atob lets white space and missing padding pass.
  if (text.length === 0 || text.length % 4 !== 0) return undefined;
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}

/** Ranks may leave out special tokens' ids, and no others. `entries` are in the order of their ranks. */
function checkRanks(entries: readonly Entry[], special: ReadonlyMap<number, string>): void {
  let next = 0;
  for (const [index, { rank, line }] of entries.entries()) {
    while (next < rank && special.has(next)) next++;
    if (rank < next) fail(line, `rank ${rank} is already in line ${entries[index - 1].line}`);
    if (rank > next) fail(line, `rank ${rank}, but no line has rank ${next}`);
    if (special.has(rank)) {
      throw new ConfigError(
        `specialTokens: ${show(special.get(rank))}: id ${rank} is the token's in line ${line} of the file`,
      );
    }
    next = rank + 1;
  }
}

function checkBytes(ranks: ReadonlyMap<string, Entry>): void {
  for (let byte = 0; byte < 256; byte++) {
    if (!ranks.has(String.fromCharCode(byte))) {
      throw new FormatError(`tiktoken: expected a token for each of the 256 bytes, but ${byte} has none`);
    }
  }
}

function namesById(specialTokens: Readonly<Record<string, number>>): Map<number, string> {
  const names = new Map<number, string>();
  for (const [name, id] of Object.entries(specialTokens)) {
    if (name === "" || !name.isWellFormed()) {
      throw new ConfigError(`specialTokens: expected well-formed names that aren't empty, got ${show(name)}`);
    }
    if (!isIndex(id)) {
      throw new ConfigError(`specialTokens: ${show(name)}: expected an id 0, 1, 2 …, got ${show(id)}`);
    }
    const other = names.get(id);
    if (other !== undefined) {
      throw new ConfigError(`specialTokens: ${show(other)} and ${show(name)} both have the id ${id}`);
    }
    names.set(id, name);
  }
  return names;
}

/** The file's tokens are distinct; a special one may be spelled like one of them. */
function checkDistinct(addedTokens: readonly AddedToken[], tokens: readonly string[]): void {
  const added = new Map(addedTokens.map(({ id, content }) => [content, id]));
  for (const [id, token] of tokens.entries()) {
    const other = added.get(token) ?? id;
    if (other !== id) {
      throw new ConfigError(`specialTokens: ${show(token)}, id ${other}, is spelled like the token ${id}`);
    }
  }
}

function inByteAlphabet(bytes: string): string {
  let token = "";
  for (let i = 0; i < bytes.length; i++) token += byteToCharacter[bytes.charCodeAt(i)];
  return token;
}

/** Every way to make a token of two others, in the order of ranks, the shortest left part first. */
function allSplits(entries: readonly Entry[], ranks: ReadonlyMap<string, Entry>): Int32Array {
  const merges: number[] = [];
  let rank = -1;
  let previous = -1;
  for (const { bytes, rank: id } of entries) {
    for (let i = 1; i < bytes.length; i++) {
      const left = ranks.get(bytes.slice(0, i));
      const right = left && ranks.get(bytes.slice(i));
      if (!left || !right) continue;
      if (id !== previous) rank++;
      previous = id;
      merges.push(left.rank, right.rank, id, rank);
    }
  }
  return new Int32Array(merges);
}

function fail(line: number, problem: string): never {
  throw new FormatError(`tiktoken: line ${line}: ${problem}`);
}
