import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.ts";
import type { BPEDescription } from "../../src/formats/bpe-description.ts";
import { byteToCharacter } from "../../src/formats/byte-alphabet.ts";
import { PATTERNS } from "../../src/formats/patterns.ts";
import { readTokenizerJSON, writeTokenizerJSON } from "../../src/formats/tokenizer-json.ts";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { CharacterBPETokenizer } from "../../src/text/character-bpe.ts";

// biome-ignore lint/suspicious/noExplicitAny: files are changed at will.
type Json = any;

interface HuggingFaceCase {
  name: string;
  file: string;
  encoded: { text: string; ids: number[]; decoded: string }[];
}

const { cases: huggingFace }: { cases: HuggingFaceCase[] } = JSON.parse(
  readFileSync(new URL("../fixtures/tokenizer/hugging-face.json", import.meta.url), "utf8"),
);

const ADDED = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const NO_REGEX = { ...BYTE_LEVEL, use_regex: false };
const SPLIT = { type: "Split", pattern: { Regex: "\\w+|\\W+" }, behavior: "Isolated", invert: false };

/** Ids 0 … 255 for the bytes, then `he`, `the`, `Ġthe`; `<|end|>` lies beyond the model's vocabulary. */
function byteLevelFile(): Json {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [{ id: 259, content: "<|end|>", ...ADDED }],
    normalizer: null,
    pre_tokenizer: { ...BYTE_LEVEL },
    post_processor: null,
    decoder: { ...BYTE_LEVEL },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries([...byteToCharacter, "he", "the", "Ġthe"].map((token, id) => [token, id])),
      merges: [
        ["h", "e"],
        ["t", "he"],
        ["Ġ", "the"],
      ],
    },
  };
}

function characterFile(): Json {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: "<unk>", ...ADDED }],
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: { type: "BPEDecoder", suffix: "</w>" },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: { "<unk>": 0, l: 1, o: 2, w: 3, "w</w>": 4, lo: 5, "low</w>": 6 },
      merges: [
        ["l", "o"],
        ["lo", "w</w>"],
      ],
    },
  };
}

describe("what Hugging Face's tokenizers write", () => {
  it.each(huggingFace)("is read and gives the same ids: $name", ({ file, encoded }) => {
    const description = readTokenizerJSON(JSON.parse(file));
    const byteLevel = description.form === "byte-level";
    const tokenizer = byteLevel
      ? new ByteLevelBPETokenizer(description)
      : new CharacterBPETokenizer(description);
    for (const { text, ids, decoded } of encoded) {
      expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(ids);
      if (byteLevel) expect(tokenizer.decode(ids)).toBe(decoded);
    }
    expect(readTokenizerJSON(writeTokenizerJSON(description))).toEqual(description);
  });

  it("becomes a description", () => {
    const { tokens, merges, ...rest } = readTokenizerJSON(byteLevelFile());
    expect(tokens.slice(255)).toEqual([byteToCharacter[255], "he", "the", "Ġthe", "<|end|>"]);
    expect([...merges]).toEqual([0x68, 0x65, 256, 0, 0x74, 256, 257, 1, 0x20, 257, 258, 2]);
    expect(rest).toEqual({
      form: "byte-level",
      addedTokens: [{ id: 259, content: "<|end|>", special: true }],
      wholePieces: false,
      pattern: PATTERNS.gpt2,
      addPrefixSpace: false,
    });
    expect(readTokenizerJSON(characterFile())).toEqual({
      form: "character",
      tokens: ["<unk>", "l", "o", "w", "w</w>", "lo", "low</w>"],
      addedTokens: [{ id: 0, content: "<unk>", special: true }],
      merges: Int32Array.of(1, 2, 5, 0, 5, 4, 6, 1),
      wholePieces: false,
      pattern: PATTERNS.whitespace,
      addPrefixSpace: false,
      endOfWordSuffix: "</w>",
      unknownToken: "<unk>",
    });
  });
});

describe("readTokenizerJSON", () => {
  const read = (change: (file: Json) => void, base = byteLevelFile): BPEDescription => {
    const file = base();
    change(file);
    return readTokenizerJSON(file);
  };

  it.each<[string, (file: Json) => void, Partial<BPEDescription>]>([
    ["a prefix space", (f) => (f.pre_tokenizer.add_prefix_space = true), { addPrefixSpace: true }],
    ["no use_regex, as in GPT-2's own", (f) => delete f.pre_tokenizer.use_regex, { pattern: PATTERNS.gpt2 }],
    [
      "Split by a regular expression",
      (f) => (f.pre_tokenizer = { type: "Sequence", pretokenizers: [SPLIT, NO_REGEX] }),
      { pattern: "\\w+|\\W+" },
    ],
    [
      "Split that removes what doesn't match",
      (f) =>
        (f.pre_tokenizer = {
          type: "Sequence",
          pretokenizers: [{ ...SPLIT, behavior: "Removed", invert: true }, NO_REGEX],
        }),
      { pattern: "\\w+|\\W+" },
    ],
    [
      "Split by a string",
      (f) =>
        (f.pre_tokenizer = {
          type: "Sequence",
          pretokenizers: [{ ...SPLIT, pattern: { String: "a.(b|c)*\\" } }, NO_REGEX],
        }),
      { pattern: "a\\.\\(b\\|c\\)\\*\\\\" },
    ],
    ["a Sequence of one", (f) => (f.pre_tokenizer = { type: "Sequence", pretokenizers: [BYTE_LEVEL] }), {}],
    ["ignore_merges", (f) => (f.model.ignore_merges = true), { wholePieces: true }],
    ["no model type, as in GPT-2's own", (f) => delete f.model.type, {}],
    ["dropout 0", (f) => (f.model.dropout = 0), {}],
    [
      "empty prefix and suffix",
      (f) => Object.assign(f.model, { continuing_subword_prefix: "", end_of_word_suffix: "" }),
      {},
    ],
    [
      "what plays no part without unknowns",
      (f) => Object.assign(f.model, { unk_token: "?", fuse_unk: true, byte_fallback: true }),
      {},
    ],
    ["NFC", (f) => (f.normalizer = { type: "NFC" }), { normalization: "NFC" }],
    [
      "NFKD in a Sequence",
      (f) => (f.normalizer = { type: "Sequence", normalizers: [{ type: "NFKD" }] }),
      { normalization: "NFKD" },
    ],
    ["a ByteLevel post-processor", (f) => (f.post_processor = BYTE_LEVEL), {}],
    ["no decoder", (f) => (f.decoder = null), {}],
    ["unknown fields", (f) => Object.assign(f, { future: 1 }) && Object.assign(f.model, { future: [] }), {}],
    ["normalized without a normalizer", (f) => (f.added_tokens[0].normalized = true), {}],
    [
      "an added token without flags",
      (f) => (f.added_tokens = [{ id: 259, content: "<|end|>" }]),
      { addedTokens: [{ id: 259, content: "<|end|>", special: false }] },
    ],
    [
      "an added token of the vocabulary",
      (f) => (f.added_tokens = [{ id: 257, content: "the", ...ADDED }]),
      { addedTokens: [{ id: 257, content: "the", special: true }] },
    ],
    [
      "merges as strings",
      (f) => (f.model.merges = f.model.merges.map((pair: string[]) => pair.join(" "))),
      {},
    ],
    [
      "fields left out",
      (f) => {
        for (const key of ["truncation", "padding", "normalizer", "post_processor", "decoder"]) delete f[key];
      },
      {},
    ],
  ])("reads %s", (_, change, expected) => {
    const { tokens: _tokens, ...plain } = readTokenizerJSON(byteLevelFile());
    expect(read(change)).toMatchObject({ ...plain, ...expected });
  });

  it("doesn't depend on the order of the vocabulary, in which keys like integers come first", () => {
    const description = read((f) => {
      f.model.vocab = Object.fromEntries(Object.entries(f.model.vocab).reverse());
      f.model.vocab["10"] = 259;
      Object.defineProperty(f.model.vocab, "__proto__", { value: 260, enumerable: true });
      f.added_tokens[0].id = 261;
    });
    expect(description.tokens.slice(256)).toEqual(["he", "the", "Ġthe", "10", "__proto__", "<|end|>"]);
    expect(readTokenizerJSON(writeTokenizerJSON(description))).toEqual(description);
  });

  it("reads added tokens outside the vocabulary whose ids come first", () => {
    const change = (f: Json) => {
      for (const token of Object.keys(f.model.vocab)) f.model.vocab[token]++;
      f.added_tokens[0].id = 0;
    };
    const description = read(change);
    expect(description.tokens.slice(0, 2)).toEqual(["<|end|>", byteToCharacter[0]]);
    expect([...description.merges.slice(8)]).toEqual([0x21, 258, 259, 2]);
    const repeated = (f: Json) => f.model.merges.push(["Ġ", "the"]);
    expect(() => read((f) => [change(f), repeated(f)])).toThrow("model.merges[3]");
  });

  it("gives merges in a row that make the same token one rank if they share it", () => {
    const { merges } = read((f) => {
      f.model.merges = ["h e", "t he", "Ġ the", "Ġt he"];
      f.model.vocab.Ġt = 259;
      f.added_tokens[0].id = 260;
      f.model.shared_ranks = true;
    });
    expect([3, 7, 11, 15].map((i) => merges[i])).toEqual([0, 1, 2, 2]);
  });

  const model = (properties: object) => (f: Json) => Object.assign(f.model, properties);
  const added = (properties: object) => (f: Json) => Object.assign(f.added_tokens[0], properties);
  const sequence =
    (...pretokenizers: object[]) =>
    (f: Json) =>
      (f.pre_tokenizer = { type: "Sequence", pretokenizers });

  it.each<[(file: Json) => void, string]>([
    [(f) => (f.truncation = { max_length: 5 }), 'truncation: expected null, got {"max_length":5}'],
    [(f) => (f.padding = {}), "padding: expected null, got {}"],
    [
      (f) => (f.post_processor = { type: "TemplateProcessing" }),
      'post_processor: expected null or ByteLevel, got "TemplateProcessing", which adds special tokens around a text: unsupported; with post_processor set to null',
    ],
    [
      (f) =>
        (f.post_processor = { type: "Sequence", processors: [BYTE_LEVEL, { type: "RobertaProcessing" }] }),
      'post_processor.processors[1]: expected null or ByteLevel, got "RobertaProcessing"',
    ],
    [
      (f) => (f.post_processor = { type: "Sequence" }),
      "post_processor.processors: expected an array, got nothing",
    ],
    [
      (f) => (f.normalizer = { type: "Lowercase" }),
      'normalizer: expected null or one of NFC, NFD, NFKC, NFKD, got {"type":"Lowercase"}',
    ],
    [
      (f) => (f.normalizer = { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "NFC" }] }),
      "normalizer: expected null or one of",
    ],
    [(f) => (f.normalizer = "NFC"), 'normalizer: expected an object, got "NFC"'],
    [
      (f) => (f.pre_tokenizer = null),
      "pre_tokenizer: expected ByteLevel, a Sequence of Split and ByteLevel, or WhitespaceSplit, got null",
    ],
    [(f) => (f.pre_tokenizer = { type: "Metaspace" }), 'or WhitespaceSplit, got "Metaspace"'],
    [(f) => (f.pre_tokenizer = {}), "pre_tokenizer.type: expected a string, got nothing"],
    [sequence({ type: "Digits" }, BYTE_LEVEL), 'got "a Sequence of Digits, ByteLevel"'],
    [
      sequence({ type: "Sequence", pretokenizers: [] }, BYTE_LEVEL),
      'got "a Sequence of Sequence, ByteLevel"',
    ],
    [
      (f) => (f.pre_tokenizer.use_regex = false),
      "pre_tokenizer.use_regex: expected true unless a Split comes before, got false",
    ],
    [
      (f) => delete f.pre_tokenizer.add_prefix_space,
      "pre_tokenizer.add_prefix_space: expected true or false, got nothing",
    ],
    [
      sequence(SPLIT, BYTE_LEVEL),
      "pre_tokenizer.pretokenizers[1].use_regex: expected false after a Split, got true",
    ],
    [
      sequence(SPLIT, { ...NO_REGEX, add_prefix_space: true }),
      "pre_tokenizer.pretokenizers[1].add_prefix_space: expected false after a Split, got true",
    ],
    [
      sequence({ ...SPLIT, behavior: "MergedWithNext" }, NO_REGEX),
      'pre_tokenizer.pretokenizers[0].behavior: expected "Isolated", got "MergedWithNext"',
    ],
    [
      sequence({ ...SPLIT, behavior: "Removed" }, NO_REGEX),
      '[0].behavior: expected "Isolated", got "Removed"',
    ],
    [
      sequence({ ...SPLIT, behavior: "Removed", invert: true, pattern: { String: " " } }, NO_REGEX),
      '[0].behavior: expected "Isolated", got "Removed"',
    ],
    [sequence({ ...SPLIT, invert: true }, NO_REGEX), '[0].invert: expected false with "Isolated", got true'],
    [
      sequence({ ...SPLIT, pattern: { Regex: 5 } }, NO_REGEX),
      '[0].pattern: expected { "Regex": "…" } or { "String": "…" }, got {"Regex":5}',
    ],
    [sequence({ ...SPLIT, pattern: "a" }, NO_REGEX), '[0].pattern: expected an object, got "a"'],
    [
      (f) => (f.decoder = { type: "Metaspace" }),
      'decoder: expected null or ByteLevel, got {"type":"Metaspace"}',
    ],
    [(f) => delete f.model, "model: expected an object, got nothing"],
    [model({ type: "WordPiece" }), 'model.type: expected "BPE", got "WordPiece"'],
    [
      (f) => Object.assign(f, { normalizer: {}, post_processor: {}, model: { type: "Unigram", vocab: [] } }),
      'model.type: expected "BPE", got "Unigram"',
    ],
    [model({ dropout: 0.1 }), "model.dropout: expected null or 0, got 0.1"],
    [
      model({ continuing_subword_prefix: "##" }),
      'model.continuing_subword_prefix: expected null or "", got "##"',
    ],
    [
      model({ end_of_word_suffix: "</w>" }),
      'model.end_of_word_suffix: expected null or "" in a byte-level model, got "</w>"',
    ],
    [model({ ignore_merges: 1 }), "model.ignore_merges: expected true or false, got 1"],
    [model({ shared_ranks: "yes" }), 'model.shared_ranks: expected true or false, got "yes"'],
    [model({ vocab: ["a"] }), 'model.vocab: expected an object, got ["a"]'],
    [model({ merges: {} }), "model.merges: expected an array, got {}"],
    [
      model({ merges: ["h e", 7] }),
      "model.merges[1]: expected a pair of tokens, or two with a space between, got 7",
    ],
    [
      model({ merges: ["h e", "t  he"] }),
      'model.merges[1]: expected a pair of tokens, or two with a space between, got "t  he"',
    ],
    [
      model({ merges: [["h", 5]] }),
      'model.merges[0]: expected a pair of tokens, or two with a space between, got ["h",5]',
    ],
    [
      model({ merges: ["h e", "t the", "x yz"] }),
      'model.merges[1]: "t" and "the": "tthe" is not in the vocabulary',
    ],
    [model({ merges: ["h e", "x yz"] }), 'model.merges[1]: "x" and "yz": "yz" is not in the vocabulary'],
    [
      model({ merges: ["h e", "t he", "h e"] }),
      'model.merges[2]: "h" and "e": the same merge as model.merges[0]',
    ],
    [(f) => (f.model.vocab.the = 256), 'model.vocab and added_tokens: "he" and "the" both have the id 256'],
    [
      (f) => (f.model.vocab.the = 3.5),
      'model.vocab and added_tokens: "the": expected an id 0, 1, 2 …, got 3.5',
    ],
    [(f) => (f.model.vocab.the = -1), '"the": expected an id 0, 1, 2 …, got -1'],
    [(f) => (f.model.vocab.the = "257"), '"the": expected an id 0, 1, 2 …, got "257"'],
    [
      (f) => (f.model.vocab.the = 1e9),
      'expected ids 0 … 259 for 260 tokens, but no token has the id 257 and "the" has 1000000000',
    ],
    [added({ id: 300 }), 'but no token has the id 259 and "<|end|>" has 300'],
    [added({ id: 257 }), '"the" and "<|end|>" both have the id 257'],
    [added({ id: -3 }), "added_tokens[0].id: expected an id 0, 1, 2 …, got -3"],
    [added({ content: "" }), 'added_tokens[0].content: expected a string that isn\'t empty, got ""'],
    [added({ content: "the" }), 'added_tokens[0].id: expected 257, as model.vocab has for "the", got 259'],
    [
      (f) => f.added_tokens.push(f.added_tokens[0]),
      "added_tokens[1].content: expected a token that isn't there before",
    ],
    [(f) => (f.added_tokens = [7]), "added_tokens[0]: expected an object, got 7"],
    [added({ lstrip: true }), "added_tokens[0].lstrip: expected false, got true"],
    [added({ rstrip: true }), "added_tokens[0].rstrip: expected false, got true"],
    [added({ single_word: true }), "added_tokens[0].single_word: expected false, got true"],
    [added({ special: "yes" }), 'added_tokens[0].special: expected true or false, got "yes"'],
    [
      (f) => Object.assign(added({ normalized: true })(f) && f, { normalizer: { type: "NFC" } }),
      "added_tokens[0].normalized: expected false in a file with a normalizer, got true",
    ],
    [
      (f) => Object.assign(f.model.vocab, { 日本: 259 }) && added({ id: 260 })(f),
      'model.vocab: "日本": expected characters of the byte alphabet, got "日"',
    ],
    [
      (f) =>
        Object.assign(f.model.vocab, { "a b": f.model.vocab.Ġ }) &&
        delete f.model.vocab.Ġ &&
        (f.model.merges = []),
      'model.vocab: expected a token for each of the 256 bytes, but there is none for byte 32, written "Ġ"',
    ],
  ])("refuses what it doesn't know: %#", (change, message) => {
    expect(() => read(change)).toThrow(FormatError);
    expect(() => read(change)).toThrow(message);
    expect(() => read(change)).toThrow(/^tokenizer\.json: /);
  });

  it.each<[(file: Json) => void, string]>([
    [
      model({ end_of_word_suffix: null }),
      'model.end_of_word_suffix: expected a string such as "</w>" in a model of characters, got null',
    ],
    [model({ end_of_word_suffix: "" }), "model.end_of_word_suffix: expected a string such as"],
    [model({ fuse_unk: true }), "model.fuse_unk: expected false in a model of characters, got true"],
    [
      model({ byte_fallback: true }),
      "model.byte_fallback: expected false in a model of characters, got true",
    ],
    [
      model({ ignore_merges: true }),
      "model.ignore_merges: expected false in a model of characters, got true",
    ],
    [
      model({ unk_token: null }),
      "model.unk_token: expected a token of the vocabulary in a model of characters, got null",
    ],
    [
      model({ unk_token: "[UNK]" }),
      'model.unk_token: expected a token of the vocabulary in a model of characters, got "[UNK]"',
    ],
    [
      (f) => (f.decoder.suffix = "@@"),
      'decoder.suffix: expected "</w>" as model.end_of_word_suffix, got "@@"',
    ],
    [(f) => (f.decoder = BYTE_LEVEL), "decoder: expected null or BPEDecoder, got"],
  ])("refuses in a model of characters what it doesn't know: %#", (change, message) => {
    expect(() => read(change, characterFile)).toThrow(FormatError);
    expect(() => read(change, characterFile)).toThrow(message);
  });

  it.each([null, 5, "text", [], undefined])("refuses %j", (json) => {
    expect(() => readTokenizerJSON(json)).toThrow("tokenizer.json: the file: expected an object, got");
  });

  it("only ever throws a FormatError, whatever a value is replaced with", () => {
    const junk = fc.constantFrom<unknown>(null, undefined, true, -1, 0.5, 1e300, "", "x", [], {}, [[]], {
      type: 5,
    });
    fc.assert(
      fc.property(fc.constantFrom(byteLevelFile, characterFile), fc.nat(), junk, (base, at, value) => {
        const file = base();
        const places: [Json, string][] = [];
        const collect = (object: Json) => {
          for (const key of Object.keys(object)) {
            if (object === file.model.vocab && object[key] > 20 && object[key] < 256) continue;
            places.push([object, key]);
            if (typeof object[key] === "object" && object[key] !== null) collect(object[key]);
          }
        };
        collect(file);
        const [object, key] = places[at % places.length];
        object[key] = value;
        try {
          readTokenizerJSON(file);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** A vocabulary over the symbols, extended by merges that are made of earlier tokens. */
function extended(
  symbols: readonly string[],
  picks: readonly (readonly [number, number])[],
  shared: boolean,
) {
  const tokens = [...symbols];
  const merges: number[] = [];
  for (const [a, b] of picks) {
    const [left, right] = [a % tokens.length, b % tokens.length];
    const made = tokens[left] + tokens[right];
    if (made.length > 12 || tokens.includes(made)) continue;
    tokens.push(made);
    merges.push(left, right, tokens.length - 1, merges.length / 4);
  }
  if (shared) {
    // Every way to make each token, as in a description from tiktoken's ranks.
    merges.length = 0;
    let rank = -1;
    for (let id = symbols.length; id < tokens.length; id++) {
      rank++;
      for (let i = 1; i < tokens[id].length; i++) {
        const left = tokens.indexOf(tokens[id].slice(0, i));
        const right = tokens.indexOf(tokens[id].slice(i));
        if (left >= 0 && right >= 0) merges.push(left, right, id, rank);
      }
    }
  }
  return { tokens, merges: Int32Array.from(merges) };
}

const description: fc.Arbitrary<BPEDescription> = fc
  .record({
    form: fc.constantFrom("byte-level" as const, "character" as const),
    picks: fc.array(fc.tuple(fc.nat(400), fc.nat(400)), { maxLength: 20 }),
    shared: fc.boolean(),
    added: fc.uniqueArray(
      fc.tuple(
        fc.oneof(
          fc.constantFrom("__proto__", "toString", "17", "<|a|>", " "),
          fc.string({ unit: "binary", minLength: 2 }),
        ),
        fc.boolean(),
      ),
      { selector: ([content]) => content, maxLength: 4 },
    ),
    first: fc.boolean(),
    wholePieces: fc.boolean(),
    pattern: fc.constantFrom(PATTERNS.gpt2, PATTERNS.cl100k, "\\w+"),
    addPrefixSpace: fc.boolean(),
    normalization: fc.constantFrom(
      undefined,
      "NFC" as const,
      "NFD" as const,
      "NFKC" as const,
      "NFKD" as const,
    ),
  })
  .map(({ form, picks, shared, added, wholePieces, pattern, addPrefixSpace, normalization }) => {
    const byteLevel = form === "byte-level";
    const symbols = byteLevel ? byteToCharacter : ["<unk>", "a", "b", "é", "😀", "a</w>", "1", "2</w>"];
    const { tokens, merges } = extended(symbols, picks, shared && byteLevel);
    const addedTokens = added
      .filter(([content]) => !tokens.includes(content))
      .map(([content, special]) => ({ id: tokens.push(content) - 1, content, special }));
    return {
      form,
      tokens,
      addedTokens,
      merges,
      wholePieces: byteLevel && wholePieces,
      pattern: byteLevel ? pattern : PATTERNS.whitespace,
      addPrefixSpace: byteLevel && addPrefixSpace && pattern === PATTERNS.gpt2,
      ...(normalization && { normalization }),
      ...(!byteLevel && { endOfWordSuffix: "</w>", unknownToken: "<unk>" }),
    };
  });

describe("writeTokenizerJSON", () => {
  it("writes what is read back as it was", () => {
    fc.assert(
      fc.property(description, (expected) => {
        const json = writeTokenizerJSON(expected);
        expect(readTokenizerJSON(json)).toStrictEqual(expected);
        expect(readTokenizerJSON(JSON.parse(JSON.stringify(json)))).toStrictEqual(expected);
      }),
    );
  });

  it("writes the fields that Hugging Face's tokenizers write", () => {
    const byteLevel = byteLevelFile();
    byteLevel.model.vocab["<|end|>"] = 259;
    byteLevel.decoder = BYTE_LEVEL;
    expect(writeTokenizerJSON(readTokenizerJSON(byteLevelFile()))).toStrictEqual(byteLevel);
    expect(writeTokenizerJSON(readTokenizerJSON(characterFile()))).toStrictEqual(characterFile());
  });

  it("refuses what the format cannot hold", () => {
    const byteLevel = readTokenizerJSON(byteLevelFile());
    const character = readTokenizerJSON(characterFile());
    const merges = Int32Array.of(0x68, 0x65, 256, 5);
    for (const [wrong, message] of [
      [{ ...byteLevel, merges }, "merges ranked 0, 1, 2 … in order"],
      [{ ...byteLevel, pattern: "\\w+", addPrefixSpace: true }, "addPrefixSpace: can only be written with"],
      [
        { ...character, pattern: PATTERNS.gpt2 },
        "pattern: a tokenizer of characters can only be written with",
      ],
    ] as const) {
      expect(() => writeTokenizerJSON(wrong)).toThrow(ConfigError);
      expect(() => writeTokenizerJSON(wrong)).toThrow(message);
    }
  });
});
