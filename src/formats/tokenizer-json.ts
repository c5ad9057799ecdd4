/**
 * Reads and writes Hugging Face's tokenizer.json (https://github.com/huggingface/tokenizers), as far as byte-pair
 * encoding goes. Two forms are known, by their pre-tokenizer:
 *
 *   byte-level   ByteLevel (GPT-2), or a Sequence of Split and ByteLevel (GPT-4, Llama 3, Qwen 2)
 *   character    WhitespaceSplit, with an end_of_word_suffix (Sennrich et al. 2016)
 *
 * What would change the ids and isn't known is refused by its name; what has no effect on them (offsets, unknown
 * fields, how a byte-level model would treat unknowns) is passed over. One field is our own, which Hugging Face
 * passes over in turn: `model.shared_ranks` says that merges in a row that make the same token have one rank, as in
 * tiktoken's files.
 */
import { ConfigError, FormatError } from "../errors.ts";
import {
  type AddedToken,
  type BPEDescription,
  MERGE_FIELDS,
  type NormalizationForm,
} from "./bpe-description.ts";
import { checkByteTokens, mergesOf, tokensById } from "./bpe-vocabulary.ts";
import { isIndex, isObject, show } from "./json-values.ts";
import { PATTERNS } from "./patterns.ts";

const NORMALIZERS = ["NFC", "NFD", "NFKC", "NFKD"];

/**
 * Characters that a Split with `"behavior": "Removed", "invert": true` would drop, because its pattern doesn't match
 * them, are kept as pieces of their own; the patterns in use match everything.
 *
 * @throws FormatError naming the property that is wrong or unsupported, what was expected and what came.
 */
export function readTokenizerJSON(json: unknown): BPEDescription {
  const file = objectAt(json, "the file");
  const model = objectAt(file.model, "model");
  // The oldest files have no type.
  only(model, "type", "model.", ["BPE"]);
  for (const key of ["truncation", "padding"]) only(file, key, "", [null]);
  checkPostProcessor(file.post_processor);
  const normalization = readNormalizer(file.normalizer);
  const preTokenizer = readPreTokenizer(file.pre_tokenizer);

  only(model, "dropout", "model.", [null, 0]);
  only(model, "continuing_subword_prefix", "model.", [null, ""]);
  const vocabulary = new Map(Object.entries(objectAt(model.vocab, "model.vocab")));
  const addedTokens = readAddedTokens(file.added_tokens, vocabulary, normalization);
  const all = new Map(vocabulary);
  for (const { content, id } of addedTokens) all.set(content, id);
  const tokens = tokensById(all, "tokenizer.json: model.vocab and added_tokens");
  // Now checked: they are numbers.
  const ids = vocabulary as ReadonlyMap<string, number>;

  const merges = mergesOf(
    readPairs(model.merges),
    ids,
    "tokenizer.json",
    (index) => `model.merges[${index}]`,
    booleanAt(model, "shared_ranks", "model.", false),
  );
  const wholePieces = booleanAt(model, "ignore_merges", "model.", false);
  const description: BPEDescription = { tokens, addedTokens, merges, wholePieces, ...preTokenizer };
  if (normalization) description.normalization = normalization;
  if (preTokenizer.form === "character") return { ...description, ...readCharacterModel(file, model, all) };
  only(model, "end_of_word_suffix", "model.", [null, ""], "in a byte-level model");
  checkDecoder(file.decoder, "ByteLevel");
  const added = new Set(addedTokens.map(({ content }) => content));
  checkByteTokens(ids, added, "tokenizer.json: model.vocab");
  return description;
}

/**
 * The object whose JSON is a tokenizer.json that Hugging Face's `tokenizers` loads and that
 * {@link readTokenizerJSON} reads back. With shared ranks (from tiktoken's files), theirs breaks ties between the
 * merges of one token by the merges' order, not by their place in the text, so that rare pieces may differ.
 * @throws ConfigError for a description that the format cannot hold.
 */
export function writeTokenizerJSON(description: BPEDescription): object {
  const { form, tokens, addedTokens, merges, wholePieces, normalization } = description;
  const byteLevel = form === "byte-level";
  const suffix = description.endOfWordSuffix ?? null;
  const sharedRanks = haveSharedRanks(merges);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens.map(({ id, content, special }) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special,
    })),
    normalizer: normalization ? { type: normalization } : null,
    pre_tokenizer: preTokenizerOf(description),
    post_processor: null,
    decoder: byteLevel ? byteLevelStage(false, true) : { type: "BPEDecoder", suffix },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: description.unknownToken ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: suffix,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: wholePieces,
      ...(sharedRanks && { shared_ranks: true }),
      // fromEntries, since assigning to a key "__proto__" would set no property.
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: Array.from({ length: merges.length / MERGE_FIELDS }, (_, i) => [
        tokens[merges[i * MERGE_FIELDS]],
        tokens[merges[i * MERGE_FIELDS + 1]],
      ]),
    },
  };
}

/** Whether merges in a row that make the same token have one rank. Any other order but the index is refused. */
function haveSharedRanks(merges: Int32Array): boolean {
  let byIndex = true;
  let shared = true;
  let rank = -1;
  let previous = -1;
  for (let i = 0; i < merges.length; i += MERGE_FIELDS) {
    const made = merges[i + 2];
    if (made !== previous) rank++;
    previous = made;
    byIndex &&= merges[i + 3] === i / MERGE_FIELDS;
    shared &&= merges[i + 3] === rank;
  }
  if (!byIndex && !shared) {
    throw new ConfigError(
      "tokenizer.json: expected merges ranked 0, 1, 2 … in order, with a rank of its own for each merge or for " +
        "each token that is made",
    );
  }
  return !byIndex;
}

function preTokenizerOf({ form, pattern, addPrefixSpace }: BPEDescription): object {
  if (form === "character") {
    if (pattern === PATTERNS.whitespace) return { type: "WhitespaceSplit" };
    throw new ConfigError(
      `tokenizer.json: pattern: a tokenizer of characters can only be written with ${show(PATTERNS.whitespace)}, ` +
        `got ${show(pattern)}`,
    );
  }
  if (pattern === PATTERNS.gpt2) return byteLevelStage(addPrefixSpace, true);
  if (addPrefixSpace) {
    throw new ConfigError(
      "tokenizer.json: addPrefixSpace: can only be written with GPT-2's pattern, since the format would put a " +
        "space before each piece",
    );
  }
  return {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
      byteLevelStage(false, false),
    ],
  };
}

function byteLevelStage(addPrefixSpace: boolean, useRegex: boolean): object {
  return { type: "ByteLevel", add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: useRegex };
}

function readCharacterModel(
  file: Record<string, unknown>,
  model: Record<string, unknown>,
  vocabulary: ReadonlyMap<string, unknown>,
): Pick<BPEDescription, "endOfWordSuffix" | "unknownToken"> {
  const when = "in a model of characters";
  for (const key of ["fuse_unk", "byte_fallback", "ignore_merges"]) only(model, key, "model.", [false], when);
  const { end_of_word_suffix: endOfWordSuffix, unk_token: unknownToken } = model;
  if (typeof endOfWordSuffix !== "string" || endOfWordSuffix === "") {
    return fail("model.end_of_word_suffix", `a string such as "</w>" ${when}`, endOfWordSuffix);
  }
  const decoder = checkDecoder(file.decoder, "BPEDecoder");
  if (decoder) only(decoder, "suffix", "decoder.", [endOfWordSuffix], "as model.end_of_word_suffix");
  if (typeof unknownToken !== "string" || !vocabulary.has(unknownToken)) {
    return fail("model.unk_token", `a token of the vocabulary ${when}`, unknownToken);
  }
  return { endOfWordSuffix, unknownToken };
}

function readAddedTokens(
  value: unknown,
  vocabulary: ReadonlyMap<string, unknown>,
  normalization: NormalizationForm | undefined,
): AddedToken[] {
  const contents = new Set<string>();
  return arrayAt(value ?? [], "added_tokens").map((entry, index) => {
    const at = `added_tokens[${index}]`;
    const token = objectAt(entry, at);
    const { id, content } = token;
    if (typeof content !== "string" || content === "") {
      return fail(`${at}.content`, "a string that isn't empty", content);
    }
    if (!isIndex(id)) return fail(`${at}.id`, "an id 0, 1, 2 …", id);
    if (contents.has(content)) return fail(`${at}.content`, "a token that isn't there before", content);
    contents.add(content);
    if (vocabulary.has(content) && vocabulary.get(content) !== id) {
      return fail(
        `${at}.id`,
        `${show(vocabulary.get(content))}, as model.vocab has for ${show(content)}`,
        id,
      );
    }
    for (const key of ["single_word", "lstrip", "rstrip"]) only(token, key, `${at}.`, [false]);
    if (normalization) {
      only(token, "normalized", `${at}.`, [false], "in a file with a normalizer");
    }
    return { id, content, special: booleanAt(token, "special", `${at}.`, false) };
  });
}

/** Pairs `["Ġ", "t"]`, or in older files `"Ġ t"`. */
function readPairs(value: unknown): [string, string][] {
  return arrayAt(value, "model.merges").map((merge, index) => {
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    if (!Array.isArray(parts) || parts.length !== 2 || !parts.every((part) => typeof part === "string")) {
      return fail(`model.merges[${index}]`, "a pair of tokens, or two with a space between", merge);
    }
    return parts as [string, string];
  });
}

function readNormalizer(value: unknown): NormalizationForm | undefined {
  const stages = stagesOf(value, "normalizer", "normalizers");
  if (stages.length === 0) return undefined;
  const [{ type }] = stages;
  if (stages.length > 1 || !NORMALIZERS.includes(type)) {
    return fail("normalizer", `null or one of ${NORMALIZERS.join(", ")}`, value);
  }
  return type as NormalizationForm;
}

function readPreTokenizer(value: unknown): Pick<BPEDescription, "form" | "pattern" | "addPrefixSpace"> {
  const stages = stagesOf(value, "pre_tokenizer", "pretokenizers");
  const [first, second] = stages;
  switch (stages.map(({ type }) => type).join(" + ")) {
    case "ByteLevel":
      only(first.properties, "use_regex", `${first.at}.`, [true], "unless a Split comes before");
      return {
        form: "byte-level",
        pattern: PATTERNS.gpt2,
        addPrefixSpace: booleanAt(first.properties, "add_prefix_space", `${first.at}.`),
      };
    case "Split + ByteLevel":
      if (booleanAt(second.properties, "use_regex", `${second.at}.`, true)) {
        return fail(`${second.at}.use_regex`, "false after a Split", true);
      }
      only(second.properties, "add_prefix_space", `${second.at}.`, [false], "after a Split");
      return { form: "byte-level", pattern: readSplit(first), addPrefixSpace: false };
    case "WhitespaceSplit":
      return { form: "character", pattern: PATTERNS.whitespace, addPrefixSpace: false };
    default:
      return fail(
        "pre_tokenizer",
        "ByteLevel, a Sequence of Split and ByteLevel, or WhitespaceSplit",
        stages.length > 1
          ? `a Sequence of ${stages.map(({ type }) => type).join(", ")}`
          : (first?.type ?? null),
      );
  }
}

function readSplit({ at, properties }: Stage): string {
  const { Regex: regex, String: literal } = objectAt(properties.pattern, `${at}.pattern`);
  const isRegex = typeof regex === "string";
  if (!isRegex && (typeof literal !== "string" || literal === "")) {
    return fail(`${at}.pattern`, '{ "Regex": "…" } or { "String": "…" }', properties.pattern);
  }
  const { behavior, invert } = properties;
  // Both make each match a piece.
  if (isRegex && behavior === "Removed" && invert === true) return regex;
  if (behavior !== "Isolated") return fail(`${at}.behavior`, '"Isolated"', behavior);
  only(properties, "invert", `${at}.`, [false], 'with "Isolated"');
  return isRegex ? regex : (literal as string).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function checkPostProcessor(value: unknown): void {
  for (const { type, at } of stagesOf(value, "post_processor", "processors")) {
    if (type === "ByteLevel") continue;
    throw new FormatError(
      `tokenizer.json: ${at}: expected null or ByteLevel, got ${show(type)}, which adds special tokens around a ` +
        "text: unsupported; with post_processor set to null the text is encoded without them " +
        "(as with add_special_tokens=False)",
    );
  }
}

/** The decoder, which must be of that type; undefined if there is none. */
function checkDecoder(value: unknown, expected: string): Record<string, unknown> | undefined {
  const stages = stagesOf(value, "decoder", "decoders");
  if (stages.length > 1 || stages.some(({ type }) => type !== expected)) {
    return fail("decoder", `null or ${expected}`, value);
  }
  return stages[0]?.properties;
}

interface Stage {
  type: string;
  at: string;
  properties: Record<string, unknown>;
}

/** A normalizer, pre-tokenizer, post-processor or decoder as a list: none if null, more if it is a Sequence. */
function stagesOf(value: unknown, at: string, list: string): Stage[] {
  if (value === undefined || value === null) return [];
  const single = stageAt(value, at);
  if (single.type !== "Sequence") return [single];
  const members = arrayAt(single.properties[list], `${at}.${list}`);
  return members.map((member, index) => stageAt(member, `${at}.${list}[${index}]`));
}

function stageAt(value: unknown, at: string): Stage {
  const properties = objectAt(value, at);
  if (typeof properties.type !== "string") return fail(`${at}.type`, "a string", properties.type);
  return { type: properties.type, at, properties };
}

/** Refuses a property that is there and has another value than those. */
function only(
  object: Record<string, unknown>,
  key: string,
  at: string,
  allowed: readonly unknown[],
  when = "",
): void {
  const value = object[key];
  if (value === undefined || allowed.includes(value)) return;
  fail(at + key, `${allowed.map(show).join(" or ")}${when && ` ${when}`}`, value);
}

function booleanAt(object: Record<string, unknown>, key: string, at: string, otherwise?: boolean): boolean {
  const value = object[key] ?? otherwise;
  return typeof value === "boolean" ? value : fail(at + key, "true or false", object[key]);
}

function objectAt(value: unknown, at: string): Record<string, unknown> {
  return isObject(value) ? value : fail(at, "an object", value);
}

function arrayAt(value: unknown, at: string): unknown[] {
  return Array.isArray(value) ? value : fail(at, "an array", value);
}

function fail(at: string, expected: string, got: unknown): never {
  throw new FormatError(`tokenizer.json: ${at}: expected ${expected}, got ${show(got)}`);
}
