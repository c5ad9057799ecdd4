import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Result, run, SMALL, workDirectory } from "./run.ts";

let directory: string;
let remove: () => void;

beforeAll(async () => {
  ({ directory, remove } = workDirectory());
  writeFileSync(join(directory, "empty.txt"), "");
  writeFileSync(join(directory, "one.txt"), "a");
  writeFileSync(join(directory, "binary.txt"), Uint8Array.of(97, 0xff, 0xfe, 0, 98));
  writeFileSync(join(directory, "noise.safetensors"), new Uint8Array(4000).fill(200));
  mkdirSync(join(directory, "folder"));
  const made = await run(
    directory,
    "train",
    "text.txt",
    ...SMALL,
    "--steps",
    "1",
    "--out",
    "model.safetensors",
  );
  expect(made).toMatchObject({ code: 0, stderr: "" });
});

afterAll(() => remove());

/** One line on standard error that starts with "error: ", and nothing on standard output. */
function expectError(result: Result, code: number, message: RegExp | string): void {
  expect(result.stderr).toMatch(/^error: [^\n]+\n$/);
  expect(result.stderr).toMatch(message);
  expect(result).toMatchObject({ code, stdout: "" });
}

describe("help", () => {
  it.each([
    ["--help"],
    ["train", "--help"],
    ["generate", "--help"],
    ["eval", "--help"],
    ["inspect", "--help"],
    ["import", "--help"],
    ["export", "--help"],
    ["help", "train"],
    ["tokenizer", "train", "--help"],
    ["tokenizer", "encode", "--help"],
    ["tokenizer", "decode", "--help"],
    ["tokenizer", "show", "--help"],
    ["tokenizer", "convert", "--help"],
  ])("%s %s %s", async (...args) => {
    const { code, stdout, stderr } = await run(directory, ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: unrolled/);
    if (args.length === 1) return;
    // Of every option with a value, the default is said.
    const options = stdout.split(/\n(?= {2}-)/).filter((option) => /^ +(-\w, )?--[\w-]+ </.test(option));
    expect(options.length).toBeGreaterThan(1);
    for (const option of options.filter((text) => !/--resume|--epochs|\(required/.test(text))) {
      expect(option).toMatch(/default:\s/);
    }
  });

  it("comes without arguments too, as an error", async () => {
    const { code, stdout, stderr } = await run(directory);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: unrolled/);
  });

  it("says the version", async () => {
    expect(await run(directory, "--version")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+/),
    });
  });
});

describe("usage errors exit with 2", () => {
  it.each([
    ["sing", "unknown command 'sing'"],
    ["train", "expected a text file"],
    ["train text.txt --sing", "unknown option '--sing'"],
    ["train text.txt --hidden-size 0", "Expected an integer from 1"],
    ["train text.txt --hidden-size 12x", "Expected an integer from 1"],
    ["train text.txt --layers 100000000", "Expected an integer from 1 to 1000"],
    ["train text.txt --steps -3", "Expected an integer from 1"],
    ["train text.txt --steps 1e99", "Expected an integer from 1"],
    ["train text.txt --learning-rate fast", "Expected a number from 0"],
    ["train text.txt --learning-rate Infinity", "Expected a number from 0"],
    ["train text.txt --dropout 1", "Expected a number from 0 to 0.99"],
    ["train text.txt --embedding-size 100000000", "--embedding-size must be an integer from 1 to 16777216"],
    ["train text.txt --cell transformer", "Allowed choices are rnn, lstm, gru"],
    ["train text.txt --steps 3 --epochs 2", "--steps and --epochs exclude each other"],
    ["train text.txt --epochs 0", "--epochs must be above 0"],
    ["train text.txt --epochs 1e99", "steps must be an integer"],
    ["train text.txt --momentum 0.9", "momentum belongs to the optimizer"],
    ["train text.txt --tie-weights", "tie"],
    ["train text.txt --proj-size 128", "--proj-size must be below --hidden-size, 128, got 128"],
    ["train text.txt --proj-size 64 --cell gru", "--proj-size belongs to the LSTM, got it for gru\n"],
    ["train text.txt --forget-bias 1 --cell rnn", "--forget-bias belongs to the LSTM, got it for rnn\n"],
    ["train text.txt --recurrent-init zero", "Allowed choices are uniform, orthogonal"],
    ["train text.txt --decay 0.5", "--decay is for the schedules step and plateau"],
    ["train text.txt --patience 2 --schedule step", "--patience is for the schedule plateau"],
    ["train text.txt --schedule plateau --validation 0", "it needs --validation above 0"],
    ["train text.txt --out ./text.txt", "--out ./text.txt is a file that is read: it would be overwritten"],
    ["train text.txt --tokenizer model.safetensors", "--out model.safetensors is a file that is read"],
    ["train text.txt --resume ", "Expected a file's name"],
    ["train text.txt --out ", "Expected a file's name"],
    [
      "import none.safetensors --tokenizer model.safetensors",
      "--out model.safetensors is a file that is read",
    ],
    ["train text.txt --vocab-size 300", "--vocab-size: char has no such option, only bpe, char-bpe, word"],
    ["train text.txt --tokenizer bpe --vocab-size 100", "--vocab-size: expected at least 256"],
    ["train text.txt --tokenizer a.json --vocab-size 300", "the tokenizer in a.json has its own size"],
    ["train text.txt --tokenizer bpq", "expected bpe, char-bpe, word, char or a file: cannot read bpq"],
    ["generate", "missing required argument 'model'"],
    ["generate model.safetensors --numerics exact", "Allowed choices are fast, reproducible"],
    ["generate model.safetensors --top-p 0", "--top-p must be above 0"],
    ["generate model.safetensors --temperature -1", "Expected a number from 0"],
    ["eval model.safetensors", "missing required argument 'file'"],
    ["eval model.safetensors text.txt --numerics exact", "Allowed choices are fast, reproducible"],
  ])("%s", async (line, message) => {
    expectError(await run(directory, ...line.split(" ")), 2, message);
  });
});

describe("failures exit with 1", () => {
  it.each([
    ["train text.txt --hidden-size 16777216", "out of memory"],
    ["train none.txt", "cannot read none.txt: the file does not exist"],
    ["train folder", "cannot read folder: it is a directory"],
    ["train empty.txt", "empty.txt is empty"],
    ["train one.txt", "lower --batch-size or --sequence-length"],
    ["train text.txt --validation 1e-5", "hold out more, or nothing (--validation 0)"],
    ["train binary.txt", "binary.txt is not UTF-8 text"],
    ["train text.txt --tokenizer text.txt", "text.txt: expected a tokenizer.json or a model: "],
    ["train text.txt --tokenizer noise.safetensors", "noise.safetensors: "],
    ["eval model.safetensors one.txt", "one.txt: the text has 1 tokens"],
    ["eval model.safetensors binary.txt", "binary.txt is not UTF-8 text"],
    ["eval none.safetensors text.txt", "cannot read none.safetensors"],
    ["eval noise.safetensors text.txt", "noise.safetensors: safetensors: "],
    ["generate noise.safetensors", "noise.safetensors: safetensors: "],
    ["generate empty.txt", "empty.txt: safetensors: "],
    ["train --resume noise.safetensors", "noise.safetensors: safetensors: "],
    ["train --resume none.safetensors", "cannot read none.safetensors"],
    ["train --resume model.safetensors", "model.safetensors is no checkpoint: a finished model"],
    ["train text.txt --out nowhere/model", "cannot write nowhere/model: the directory does not exist"],
    ["train text.txt --out folder", "cannot write folder: it is a directory"],
    // Before the tokenizer is trained, which would be refused.
    [
      "train text.txt --tokenizer bpe --vocab-size 1 --out nowhere/model",
      "cannot write nowhere/model: the directory does not exist",
    ],
  ])("%s", async (line, message) => {
    const before = readdirSync(directory);
    expectError(await run(directory, ...line.split(" ")), 1, message);
    expect(readdirSync(directory)).toEqual(before);
  });

  it.skipIf(!existsSync("/dev/full"))("train --out /dev/full", async () => {
    const args = ["train", "text.txt", ...SMALL, "--steps", "1", "--out", "/dev/full"];
    const { code, stderr } = await run(directory, ...args);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "error: cannot write /dev/full: the disk is full\n",
    });
  });
});
