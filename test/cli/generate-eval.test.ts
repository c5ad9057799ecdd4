import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { tokenizerFromJSON } from "../../src/text/read-tokenizer.ts";
import { CLI, finished, run, SMALL, start, workDirectory } from "./run.ts";

let directory: string;
let remove: () => void;

beforeAll(async () => {
  ({ directory, remove } = workDirectory());
  expect(await run(directory, "train", "text.txt", ...SMALL, "--steps", "50")).toMatchObject({ code: 0 });
});

afterAll(() => remove());

const generate = (...args: string[]) => run(directory, "generate", "model.safetensors", ...args);

describe("generate", () => {
  it("gives the same text for the same seed, another for another", async () => {
    const [a, b, c] = await Promise.all([generate("-s", "7"), generate("-s", "7"), generate("-s", "8")]);
    expect(a).toMatchObject({ code: 0, stderr: "" });
    expect(a.stdout).toHaveLength(501);
    expect(b.stdout).toBe(a.stdout);
    expect(c.stdout).not.toBe(a.stdout);
  });

  it("prints JSON lines whose texts make up the plain text", async () => {
    const [plain, json] = await Promise.all([generate("-n", "40"), generate("-n", "40", "--json")]);
    const tokens = json.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(tokens).toHaveLength(40);
    expect(`${tokens.map(({ text }) => text).join("")}\n`).toBe(plain.stdout);
    for (const { probability } of tokens) expect(probability > 0 && probability <= 1).toBe(true);
  });

  it("starts with the prompt; no tokens are no error", async () => {
    expect(await generate("-p", "call me", "-n", "0")).toEqual({ code: 0, stdout: "call me\n", stderr: "" });
    expect(await generate("-n", "0", "--json")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect((await generate("-p", "")).code).toBe(2);
  });

  it("warns of characters that the model never saw", async () => {
    const { code, stdout, stderr } = await generate("-p", "call Ä🐋", "-n", "3");
    expect(code).toBe(0);
    expect(stdout.startsWith("call Ä🐋")).toBe(true);
    expect(stderr).toMatch(/^warning: the prompt has characters that the model never saw[^\n]+"Ä" "🐋"\n$/);
  });

  it("gives a terminal none of the controls that a text taught the model, and a file all", async () => {
    const controls = ["\x07", "\x1b", "\x9b"];
    writeFileSync(join(directory, "controls.txt"), `${controls.join("")}\t\n[2J`.repeat(1000));
    const trained = ["train", "controls.txt", ...SMALL, "--steps", "5", "--out", "controls.safetensors"];
    expect((await run(directory, ...trained)).code).toBe(0);
    const env = { NODE_OPTIONS: "--import data:text/javascript,process.stdout.isTTY=true" };
    const inTerminal = (args: string[]) => finished(start(directory, args, env));
    const harmless = (text: string) => controls.reduce((all, one) => all.replaceAll(one, " "), text);

    const generate = ["generate", "controls.safetensors", "-n", "300", "-t", "3"];
    const { stdout: text } = await run(directory, ...generate);
    for (const control of [...controls, "\t", "\n"]) expect(text).toContain(control);
    expect(await inTerminal(generate)).toMatchObject({ code: 0, stdout: harmless(text) });

    const decode = ["tokenizer", "decode", "1", "2", "3", "4", "--tokenizer", "controls.safetensors"];
    expect((await run(directory, ...decode)).stdout).toBe("\x07\t\n\x1b");
    expect((await inTerminal(decode)).stdout).toBe(" \t\n \n");
  });

  it("ends without an error when its reader does", async () => {
    const child = start(directory, ["generate", "model.safetensors", "-n", "1000000"]);
    child.stdout!.once("data", () => child.stdout!.destroy());
    expect(await finished(child)).toMatchObject({ code: 0, stderr: "" });
  });

  it.skipIf(!existsSync("/dev/full"))("says that its output cannot be written", () => {
    const command = '"$0" "$1" generate model.safetensors > /dev/full';
    const { status, stderr } = spawnSync("sh", ["-c", command, process.execPath, CLI], { cwd: directory });
    expect(status).toBe(1);
    expect(String(stderr)).toMatch(/^error: cannot write to standard output: [^\n]+\n$/);
  });

  it("refuses a truncated model", async () => {
    const bytes = readFileSync(join(directory, "model.safetensors"));
    writeFileSync(join(directory, "cut.safetensors"), bytes.subarray(0, -8));
    for (const args of [["generate"], ["eval", "text.txt"]]) {
      const [command, ...rest] = args;
      const result = await run(directory, command, "cut.safetensors", ...rest);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^error: cut\.safetensors: safetensors: [^\n]+\n$/);
    }
  });
});

describe("eval", () => {
  it("prints figures that fit each other", async () => {
    const { code, stdout, stderr } = await run(directory, "eval", "model.safetensors", "text.txt", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ characters: 12_000, tokens: 11_999 });
    expect(figures.perplexity).toBeCloseTo(Math.exp(figures.loss), 10);
    expect(figures.bitsPerCharacter).toBeCloseTo(figures.loss / Math.LN2, 10);
    expect(figures.bitsPerByte).toBe(figures.bitsPerCharacter);
    expect(figures.bytes).toBe(12_000);
    expect(figures.loss).toBeLessThan(Math.log(27));

    const plain = await run(directory, "eval", "model.safetensors", "text.txt");
    expect(plain.stdout).toContain(`loss                ${figures.loss.toFixed(4)} nats per token`);
    expect(plain.stdout).toContain(`perplexity          ${figures.perplexity.toFixed(3)} per token`);
    expect(plain.stdout).toContain(`bits per byte       ${figures.bitsPerByte.toFixed(4)}`);
    expect(plain.stdout).toContain(`bits per character  ${figures.bitsPerCharacter.toFixed(4)}`);
  });

  it("fails where the loss is no number", async () => {
    const { tensors, metadata } = readSafetensors(readFileSync(join(directory, "model.safetensors")));
    tensors.get("decoder.bias")!.data.fill(Number.NaN);
    writeFileSync(join(directory, "nan.safetensors"), writeSafetensors(tensors, metadata));
    for (const json of [[], ["--json"]]) {
      const result = await run(directory, "eval", "nan.safetensors", "text.txt", ...json);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^error: [^\n]* loss [^\n]*NaN[^\n]*\n$/);
    }
  });

  it("warns of characters that the model never saw", async () => {
    writeFileSync(join(directory, "greek.txt"), "the whale, φάλαινα");
    const { code, stderr } = await run(directory, "eval", "model.safetensors", "greek.txt");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: greek\.txt has characters that the model never saw/);
  });
});

describe.each(["bpe", "char-bpe", "word"])("a model with the tokenizer %s", (kind) => {
  const file = `${kind}.safetensors`;
  // Of two bytes a character, so that bits per byte and per character differ.
  const text = "φάλαινα καὶ θάλασσα. ".repeat(300);

  beforeAll(async () => {
    writeFileSync(join(directory, "greek.txt"), text);
    const args = ["greek.txt", ...SMALL, "--steps", "30", "--out", file];
    expect(await run(directory, "train", ...args, "--tokenizer", kind, "--vocab-size", "280")).toMatchObject({
      code: 0,
      stderr: "",
    });
  });

  it("generates what its tokenizer makes of the ids, after the prompt", async () => {
    const { metadata } = readSafetensors(readFileSync(join(directory, file)));
    const tokenizer = tokenizerFromJSON(JSON.parse(metadata.tokenizer));
    const args = ["generate", file, "-n", "20", "-p", "φάλαινα"];
    const [plain, json] = await Promise.all([run(directory, ...args), run(directory, ...args, "--json")]);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    const ids = json.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).id as number);
    const all = [...tokenizer.encode("φάλαινα"), ...ids.filter((id) => id >= 0)];
    expect(plain.stdout).toBe(`${tokenizer.decode(all)}\n`);
  });

  it("generates without a prompt", async () => {
    expect(await run(directory, "generate", file, "-n", "5")).toMatchObject({ code: 0, stderr: "" });
  });

  it("is measured in tokens, bytes and characters", async () => {
    const { metadata } = readSafetensors(readFileSync(join(directory, file)));
    const tokenizer = tokenizerFromJSON(JSON.parse(metadata.tokenizer));
    const { stdout } = await run(directory, "eval", file, "greek.txt", "--json");
    const figures = JSON.parse(stdout);
    const ids = tokenizer.encode(text);
    expect(figures.tokens).toBe(ids.length - 1);
    expect(figures.bytes).toBe(Buffer.byteLength(text));
    const bits = (figures.loss * figures.tokens) / Math.LN2;
    // The text begins with one token, which is a part of the first word.
    const first = Buffer.byteLength(tokenizer.decode(ids.subarray(0, 1)));
    expect(figures.bitsPerByte).toBeCloseTo(bits / (figures.bytes - first), 10);
    expect(figures.bitsPerCharacter).toBeGreaterThan(1.7 * figures.bitsPerByte);
  });
});
