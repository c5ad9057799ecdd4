import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { byteToCharacter } from "../../src/formats/byte-alphabet.ts";
import { tokenizerFromJSON } from "../../src/text/read-tokenizer.ts";
import { finished, type Result, run, runWithInput, SMALL, start, workDirectory } from "./run.ts";

let directory: string;
let remove: () => void;

const write = (name: string, content: string | Uint8Array) => writeFileSync(join(directory, name), content);
const tokenizer = (...args: string[]) => run(directory, "tokenizer", ...args);
const jsonOf = (name: string) => JSON.parse(readFileSync(join(directory, name), "utf8"));
const END = "<|end|>";

beforeAll(async () => {
  ({ directory, remove } = workDirectory());
  write("more.txt", "naïve 漢字 and the whale € the whale €\n".repeat(20));
  write("empty.txt", "");
  write("binary.txt", Uint8Array.of(97, 0xff, 0xfe, 0, 98));
  mkdirSync(join(directory, "folder"));
  for (const type of ["bpe", "char-bpe", "word", "char"]) {
    const size = type === "char" ? [] : ["--vocab-size", "400"];
    const args = ["text.txt", "more.txt", "--type", type, ...size, "--out", `${type}.json`, "--special", END];
    expect(await tokenizer("train", ...args)).toMatchObject({ code: 0, stderr: "" });
  }
});

afterAll(() => remove());

function expectError(result: Result, code: number, message: string): void {
  expect(result.stderr).toMatch(/^error: [^\n]+\n$/);
  expect(result.stderr).toContain(message);
  expect(result).toMatchObject({ code, stdout: "" });
}

describe("tokenizer train", () => {
  it("says what came out, and how to look at it", async () => {
    const { stdout } = await tokenizer("train", "text.txt", "more.txt", "--vocab-size", "300");
    expect(stdout).toMatch(/^byte-level BPE: 300 tokens, 44 of them merges, learnt in \d+\.\d s\n/);
    expect(stdout).toMatch(/the text is [\d,]+ tokens: \d\.\d\d bytes, \d\.\d\d characters per token\n/);
    expect(stdout).toContain("saved to tokenizer.json\n");
    expect(stdout).toContain(
      'unrolled tokenizer show "The unbelievable refrigerator" --tokenizer tokenizer.json',
    );
    expect(jsonOf("tokenizer.json").model.type).toBe("BPE");
  });

  it("learns from all files, and special tokens too", async () => {
    for (const type of ["bpe", "char-bpe", "word", "char"]) {
      const { specialTokens, vocabSize, ...read } = tokenizerFromJSON(jsonOf(`${type}.json`));
      expect(specialTokens.has(END)).toBe(true);
      expect(vocabSize).toBeLessThanOrEqual(400);
      expect(read).toBeDefined();
      const ids = tokenizerFromJSON(jsonOf(`${type}.json`)).encode(`whale naïve 字${END}`);
      expect(ids).not.toContain(specialTokens.get("<unk>") ?? -1);
      expect(ids.at(-1)).toBe(specialTokens.get(END));
    }
  });

  it("takes the options of its kind", async () => {
    await tokenizer(
      "train",
      "text.txt",
      "--type",
      "word",
      "--min-frequency",
      "300",
      "--lowercase",
      "--out",
      "a.json",
    );
    expect(jsonOf("a.json").lowercase).toBe(true);
    const all = jsonOf("word.json").words.length;
    expect(jsonOf("a.json").words.length).toBeLessThan(all);
    const limits = ["--max-token-length", "3", "--pattern", "\\w+|\\W+", "--vocab-size", "300"];
    await tokenizer("train", "text.txt", ...limits, "--out", "b.json");
    const { model, pre_tokenizer } = jsonOf("b.json");
    expect(JSON.stringify(pre_tokenizer)).toContain("\\\\w+|\\\\W+");
    expect(Object.keys(model.vocab).every((token) => token.length < 3)).toBe(true);
  });

  it("keeps of a file no more than its words", async () => {
    // A new word in each megabyte, of which a string that refers to it would keep all.
    const rest = `${"z".repeat(999)} `.repeat(1 << 10);
    for (let i = 0; i < 80; i++) {
      writeFileSync(join(directory, "large.txt"), `${rest}harpooneering${i} `, { flag: "a" });
    }
    const args = ["tokenizer", "train", "large.txt", "--type", "word", "--min-frequency", "1"];
    const child = start(directory, args, { NODE_OPTIONS: "--max-old-space-size=60" });
    const { code, stdout } = await finished(child);
    rmSync(join(directory, "large.txt"));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^words: 82 tokens/);
  });

  it("says how much is unknown", async () => {
    const { stdout } = await tokenizer(
      "train",
      "text.txt",
      "--type",
      "word",
      "--vocab-size",
      "5",
      "--out",
      "a.json",
    );
    expect(stdout).toMatch(/^words: 5 tokens, learnt in/);
    expect(stdout).toMatch(/; \d\d\.\d\d % are <unk>\n/);
  });

  it.skipIf(process.platform === "win32")(
    "reads a pipe, and stops on a signal and writes nothing",
    async () => {
      execFileSync("mkfifo", [join(directory, "pipe")]);
      const before = readdirSync(directory);
      const child = start(directory, ["tokenizer", "train", "pipe", "--out", "never.json"]);
      const result = finished(child);
      const pipe = await open(join(directory, "pipe"), "w");
      await pipe.write("the whale and the sea");
      child.kill("SIGINT");
      // So that the signal comes before the end of the text.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await pipe.close();
      expect(await result).toEqual({ code: 130, stdout: "", stderr: "stopped: nothing was written\n" });
      expect(readdirSync(directory)).toEqual(before);
    },
  );

  it.each([
    ["train text.txt --type unigram", 2, "Allowed choices are bpe, char-bpe, word, char"],
    ["train text.txt --vocab-size 0", 2, "Expected an integer from 1"],
    ["train text.txt --vocab-size 100", 2, "--vocab-size: expected at least 256"],
    ["train text.txt --max-token-length 2", 2, "Expected an integer from 3"],
    [
      "train text.txt --type char --vocab-size 100",
      2,
      "--vocab-size: char has no such option, only bpe, char-bpe, word",
    ],
    ["train text.txt --type word --pattern gpt2", 2, "--pattern: word has no such option, only bpe"],
    ["train text.txt --lowercase", 2, "--lowercase: bpe has no such option, only word"],
    ["train text.txt --pattern (", 2, 'pattern "(": '],
    ["train text.txt --type word --special <unk>", 2, "--special: "],
    ["train text.txt --out ./text.txt", 2, "--out ./text.txt is a file that is read"],
    ["train", 2, "missing required argument 'files'"],
    ["train none.txt", 1, "cannot read none.txt: the file does not exist"],
    ["train text.txt folder", 1, "cannot read folder: it is a directory"],
    ["train text.txt binary.txt", 1, "binary.txt: texts: a stream is not UTF-8 text"],
    ["train empty.txt", 1, "empty.txt: expected text, got none"],
    ["train text.txt --out nowhere/a.json", 1, "cannot write nowhere/a.json: the directory does not exist"],
    ["train text.txt --out folder", 1, "cannot write folder: it is a directory"],
  ])("%s", async (line, code, message) => {
    const before = readdirSync(directory);
    expectError(await tokenizer(...line.split(" ")), code, message);
    expect(readdirSync(directory)).toEqual(before);
  });
});

describe("tokenizer encode and decode", () => {
  const text = "the whale, naïve 漢字 €\n\n";

  it("are each other's inverse, byte for byte, from arguments, files and pipes", async () => {
    const { stdout: ids } = await tokenizer("encode", text, "--tokenizer", "bpe.json");
    expect(ids).toMatch(/^\d+( \d+)*\n$/);
    write("a.txt", text);
    for (const args of [["--file", "a.txt"], []]) {
      const all = ["tokenizer", "encode", ...args, "--tokenizer", "bpe.json", "--json"];
      const { stdout } = await runWithInput(directory, all, args.length > 0 ? "" : text);
      expect(JSON.parse(stdout)).toEqual(ids.trim().split(" ").map(Number));
      write("ids.json", stdout);
    }
    const decoded = { code: 0, stdout: text, stderr: "" };
    expect(await tokenizer("decode", ...ids.trim().split(" "), "--tokenizer", "bpe.json")).toEqual(decoded);
    expect(await tokenizer("decode", "--file", "ids.json", "--tokenizer", "bpe.json")).toEqual(decoded);
  });

  it("decode what comes in pieces, as soon as it is certain", async () => {
    const { stdout: ids } = await tokenizer("encode", text, "--tokenizer", "bpe.json");
    const pieces = ids.match(/.{1,3}/gs)!;
    const decode = ["tokenizer", "decode", "--tokenizer", "bpe.json"];
    expect(await runWithInput(directory, decode, ...pieces)).toEqual({ code: 0, stdout: text, stderr: "" });
    const child = start(directory, decode);
    child.stdin!.write(ids.slice(0, ids.lastIndexOf(" ") + 1));
    const [first] = await new Promise<[string]>((resolve) =>
      child.stdout!.setEncoding("utf8").once("data", (data: string) => resolve([data])),
    );
    expect(text.startsWith(first)).toBe(true);
    child.stdin!.end();
    expect((await finished(child)).code).toBe(0);
  });

  it.each(["char-bpe", "word", "char"])("%s", async (type) => {
    const words = "the whale, the sea";
    const { stdout } = await tokenizer("encode", words, "--tokenizer", `${type}.json`);
    const ids = stdout.trim().split(" ");
    const decoded = await tokenizer("decode", ...ids, "--tokenizer", `${type}.json`);
    const read = tokenizerFromJSON(jsonOf(`${type}.json`));
    expect(decoded.stdout).toBe(read.decode(ids.map(Number)));
  });

  it("leave special tokens out if asked to", async () => {
    const { stdout: ids } = await tokenizer("encode", `the${END}sea`, "--tokenizer", "bpe.json");
    const args = ["decode", ...ids.trim().split(" "), "--tokenizer", "bpe.json"];
    expect((await tokenizer(...args)).stdout).toBe(`the${END}sea`);
    expect((await tokenizer(...args, "--skip-special")).stdout).toBe("thesea");
  });

  it("take the tokenizer of a model", async () => {
    const train = await run(
      directory,
      "train",
      "text.txt",
      ...SMALL,
      "--steps",
      "1",
      "--tokenizer",
      "word.json",
    );
    expect(train.code).toBe(0);
    const ids = (await tokenizer("encode", "the whale", "--tokenizer", "model.safetensors")).stdout;
    expect(ids).toBe((await tokenizer("encode", "the whale", "--tokenizer", "word.json")).stdout);
  });

  it("warn of what the tokenizer doesn't know", async () => {
    const warnings = {
      char: 'characters that the model never saw, read as <unk>: "Ж"',
      word: 'words outside the vocabulary, 50.00 % of its tokens, read as <unk>: "Ж"',
      "char-bpe": "characters outside the vocabulary, 50.00 % of its tokens, read as unknown",
    };
    for (const [type, warning] of Object.entries(warnings)) {
      const { code, stderr } = await tokenizer("encode", "the Ж", "--tokenizer", `${type}.json`);
      expect(code).toBe(0);
      expect(stderr).toBe(`warning: the text has ${warning}\n`);
    }
    expect((await tokenizer("encode", "the Ж", "--tokenizer", "bpe.json")).stderr).toBe("");
  });

  it.each([
    ["encode text", 2, "required option '--tokenizer <file>' not specified"],
    ["encode text --tokenizer none.json", 1, "cannot read none.json: the file does not exist"],
    ["encode text --tokenizer text.txt", 1, "text.txt: expected a tokenizer.json or a model: "],
    ["encode text --tokenizer binary.txt", 1, "binary.txt: the file is not UTF-8 text"],
    ["encode --file binary.txt --tokenizer bpe.json", 1, "binary.txt is not UTF-8 text"],
    ["encode text --file text.txt --tokenizer bpe.json", 2, "the argument and --file exclude each other"],
    ["decode 1 --file text.txt --tokenizer bpe.json", 2, "ids as arguments and --file exclude each other"],
    ["decode 1 two --tokenizer bpe.json", 2, 'expected token ids, got "two"'],
    ["decode 1 400 --tokenizer bpe.json", 2, "expected a token id from 0 to "],
    ["decode --file text.txt --tokenizer bpe.json", 1, "text.txt: expected token ids, got "],
    ["decode --file none.txt --tokenizer bpe.json", 1, "cannot read none.txt"],
  ])("%s", async (line, code, message) => {
    expectError(await tokenizer(...line.split(" ")), code, message);
  });

  it("refuses a tokenizer.json that is cut", async () => {
    write("cut.json", readFileSync(join(directory, "bpe.json")).subarray(0, 500));
    expectError(
      await tokenizer("encode", "a", "--tokenizer", "cut.json"),
      1,
      "cut.json: expected a tokenizer.json",
    );
    write("other.json", '{"model": {"type": "Unigram"}}');
    expectError(await tokenizer("encode", "a", "--tokenizer", "other.json"), 1, "other.json: ");
  });
});

describe("tokenizer show", () => {
  const show = (...args: string[]) => tokenizer("show", ...args);

  it("parts slices by bars where there are no colours, and makes everything visible", async () => {
    const { code, stdout } = await show("the whale €Ж\n\t\x1b\u00a0the", "--tokenizer", "bpe.json");
    expect(code).toBe(0);
    const [first, second, counts] = stdout.split("\n");
    expect(first.replaceAll("|", "")).toMatch(/^the·whale·(€|<E2><82><AC>|<E2 82><AC>)<D0><96>⏎$/);
    expect(first).toContain("|");
    expect(second.replaceAll("|", "")).toBe("⇥<1B><C2><A0>the");
    expect(counts).toMatch(/^19 characters, 23 bytes, \d+ tokens, \d\.\d\d bytes per token$/);
  });

  it("shows tokens of every kind as they are in the vocabulary", async () => {
    expect((await show("the Ж", "--tokenizer", "word.json")).stdout.split("\n")[0]).toBe("the|<unk>");
    expect((await show("sea\n\nse", "--tokenizer", "char.json")).stdout).toMatch(
      /^s\|e\|a\|⏎\n⏎\ns\|e\n7 characters/,
    );
    expect((await show("the", "--tokenizer", "char-bpe.json")).stdout.split("\n")[0]).toBe("the</w>");
    expect((await show(`sea${END}`, "--tokenizer", "word.json")).stdout.split("\n")[0]).toBe(`sea|${END}`);
  });

  it("lists ids", async () => {
    const { stdout } = await show("the whale", "--tokenizer", "word.json", "--ids");
    const read = tokenizerFromJSON(jsonOf("word.json"));
    const [the, whale] = read.encode("the whale");
    const width = String(read.vocabSize - 1).length;
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      `${String(the).padStart(width)}  the`,
      `${String(whale).padStart(width)}  whale`,
    ]);
  });

  it("uses colours if told to, and none if not", async () => {
    const args = ["tokenizer", "show", "the whale", "--tokenizer", "word.json"];
    const coloured = await finished(start(directory, args, { FORCE_COLOR: "1" }));
    expect(coloured.stdout).toContain("\x1b[30m\x1b[103mthe\x1b[49m\x1b[39m\x1b[30m\x1b[106mwhale\x1b[");
    for (const env of [{ NO_COLOR: "1" }, { FORCE_COLOR: "0" }, {}]) {
      expect((await finished(start(directory, args, env))).stdout).not.toContain("\x1b");
    }
  });

  it("takes an empty text for what it is", async () => {
    expect(await show("", "--tokenizer", "bpe.json")).toEqual({
      code: 0,
      stdout: "0 characters, 0 bytes, 0 tokens\n",
      stderr: "",
    });
  });
});

describe("tokenizer convert", () => {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `${Buffer.from([byte]).toString("base64")} ${byte}\n`,
  );

  beforeAll(() => {
    const tokens = [...byteToCharacter, "th", "the", "<|endoftext|>"];
    write("vocab.json", JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))));
    write("merges.txt", "#version: 0.2\nt h\nth e\n");
    write("x.tiktoken", `${bytes.join("")}${btoa("th")} 256\n${btoa("the")} 257\n`);
  });

  it("reads GPT-2's two files", async () => {
    const result = await tokenizer("convert", "vocab.json", "merges.txt", "--out", "gpt2.json");
    expect(result).toEqual({
      code: 0,
      stdout: "byte-level BPE: 259 tokens\nsaved to gpt2.json\n",
      stderr: "",
    });
    const { stdout } = await tokenizer("encode", "the<|endoftext|>", "--tokenizer", "gpt2.json");
    expect(stdout).toBe("257 258\n");
  });

  it("reads a .tiktoken file", async () => {
    const special = ["--pattern", "cl100k", "--special", "<|end|>=258", "<|a=b|>=259"];
    const result = await tokenizer("convert", "x.tiktoken", ...special, "--out", "tiktoken.json");
    expect(result).toEqual({
      code: 0,
      stdout: "byte-level BPE: 260 tokens\nsaved to tiktoken.json\n",
      stderr: "",
    });
    const { stdout } = await tokenizer("encode", "the<|end|><|a=b|>", "--tokenizer", "tiktoken.json");
    expect(stdout).toBe("257 258 259\n");
  });

  it.each([
    ["convert a b c", 2, "expected vocab.json and merges.txt, or one .tiktoken file, got 3 files"],
    ["convert x.tiktoken", 2, "--pattern is needed"],
    ["convert x.tiktoken --pattern ", 2, 'pattern "": it matches the empty text'],
    ["convert x.tiktoken --pattern [", 2, 'pattern "[": '],
    ["convert x.tiktoken --pattern cl100k --special end", 2, '--special: expected NAME=ID, got "end"'],
    ["convert x.tiktoken --pattern cl100k --special a=3", 2, "id 3"],
    ["convert x.tiktoken --pattern cl100k --special a=300 a=301", 2, '--special: "a" is there twice'],
    [
      "convert x.tiktoken --pattern cl100k --out ./x.tiktoken",
      2,
      "--out ./x.tiktoken is a file that is read",
    ],
    ["convert vocab.json merges.txt --pattern gpt2", 2, "--pattern is for .tiktoken files"],
    ["convert vocab.json merges.txt --special <s>", 2, "<s>"],
    ["convert merges.txt vocab.json", 1, "merges.txt, vocab.json: "],
    ["convert text.txt --pattern cl100k", 1, "text.txt: "],
    ["convert none --pattern cl100k", 1, "cannot read none"],
    ["convert vocab.json merges.txt --out folder", 1, "cannot write folder: it is a directory"],
  ])("%s", async (line, code, message) => {
    const before = readdirSync(directory);
    expectError(await tokenizer(...line.split(" ")), code, message);
    expect(readdirSync(directory)).toEqual(before);
  });
});

describe("tokenizer, written files", () => {
  it.skipIf(!existsSync("/dev/full"))("cannot go to a full disk", async () => {
    const { code, stderr } = await tokenizer(
      "train",
      "text.txt",
      "--vocab-size",
      "260",
      "--out",
      "/dev/full",
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "error: cannot write /dev/full: the disk is full\n",
    });
  });
});
