/**
 * Reads GPT-2's two files (Radford et al. 2019): vocab.json (also encoder.json), an object of tokens in the byte
 * alphabet and their ids, and merges.txt (also vocab.bpe):
 *
 *   #version: 0.2      optional
 *   Ġ t                one merge a line, the first of them first: two tokens and a space between
 *   …
 */
import { ConfigError, FormatError } from "../errors.ts";
import type { BPEDescription } from "./bpe-description.ts";
import { checkByteTokens, mergesOf, tokensById } from "./bpe-vocabulary.ts";
import { byteToCharacter } from "./byte-alphabet.ts";
import { isObject, show } from "./json-values.ts";
import { PATTERNS } from "./patterns.ts";

const VOCABULARY = "vocab.json";
const MERGES = "merges.txt";
const END_OF_TEXT = "<|endoftext|>";

export interface GPT2VocabularyOptions {
  /**
   * Tokens of the vocabulary that stand for no text: the files don't say which. Default `<|endoftext|>`, if the
   * vocabulary has it.
   */
  specialTokens?: readonly string[];
}

/**
 * The files are given as their text.
 * @throws FormatError saying what is wrong, in which file and where.
 * @throws ConfigError for a special token that the vocabulary doesn't have, or that is one of the 256 bytes.
 */
export function readGPT2Vocabulary(
  vocabJSON: string,
  mergesText: string,
  { specialTokens }: GPT2VocabularyOptions = {},
): BPEDescription {
  const vocabulary = parseVocabulary(vocabJSON);
  const tokens = tokensById(vocabulary, VOCABULARY);
  // Now checked: they are numbers.
  const ids = vocabulary as ReadonlyMap<string, number>;
  const special = new Set(specialTokens ?? (ids.has(END_OF_TEXT) ? [END_OF_TEXT] : []));
  const addedTokens = Array.from(special, (content) => {
    const id = ids.get(content);
    if (id === undefined) {
      throw new ConfigError(`specialTokens: expected tokens of ${VOCABULARY}, got ${show(content)}`);
    }
    if (byteToCharacter.includes(content)) {
      throw new ConfigError(`specialTokens: ${show(content)} is a byte of texts: expected a longer token`);
    }
    return { id, content, special: true };
  });
  checkByteTokens(ids, special, VOCABULARY);
  const { pairs, firstLine } = parseMerges(mergesText);
  return {
    form: "byte-level",
    tokens,
    addedTokens,
    merges: mergesOf(pairs, ids, MERGES, (index) => `line ${firstLine + index}`),
    wholePieces: false,
    pattern: PATTERNS.gpt2,
    addPrefixSpace: false,
  };
}

function parseVocabulary(text: string): Map<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${VOCABULARY}: expected JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(json)) {
    throw new FormatError(`${VOCABULARY}: expected an object of tokens and their ids, got ${show(json)}`);
  }
  return new Map(Object.entries(json));
}

/** Line `firstLine + i` of the file, counted from 1, has pair i. */
function parseMerges(text: string): { pairs: [string, string][]; firstLine: number } {
  const content = text.trimEnd();
  const lines = content === "" ? [] : content.split(/\r?\n/);
  const firstLine = content.startsWith("#version") ? 2 : 1;
  const pairs = lines.slice(firstLine - 1).map((line, index): [string, string] => {
    const space = line.indexOf(" ");
    const pair: [string, string] = [line.slice(0, space), line.slice(space + 1)];
    if (space <= 0 || pair[1] === "" || pair[1].includes(" ")) {
      const where = `${MERGES}: line ${firstLine + index}`;
      throw new FormatError(`${where}: expected two tokens with a space between, got ${show(line)}`);
    }
    return pair;
  });
  return { pairs, firstLine };
}
