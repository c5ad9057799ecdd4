import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { run, SMALL, workDirectory } from "./run.ts";

let directory: string;
let remove: () => void;

beforeAll(async () => {
  ({ directory, remove } = workDirectory());
  const options = [...SMALL, "--dropout", "0", "--layers", "2", "--steps", "20"];
  expect(await run(directory, "train", "text.txt", ...options)).toMatchObject({ code: 0 });
});

afterAll(() => remove());

const read = (name: string) => readSafetensors(readFileSync(join(directory, name)));
const exported = (...args: string[]) => run(directory, "export", "model.safetensors", ...args);
const imported = (...args: string[]) => run(directory, "import", ...args);

describe("export and import", () => {
  it("give the same model", async () => {
    const { code, stdout, stderr } = await exported("--out", "weights.safetensors");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/rnn\.weight_hh_l1 +\[64, 16\]\n/);
    expect(stdout).toMatch(/\nsaved to weights\.safetensors, f32\n$/);
    const weights = read("weights.safetensors");
    expect(weights.metadata.format).toBe("pt");
    expect(weights.metadata.tokenizer).toBeUndefined();

    const back = await imported(
      "weights.safetensors",
      "--tokenizer",
      "model.safetensors",
      "-o",
      "back.safetensors",
    );
    expect(back).toMatchObject({ code: 0, stderr: "" });
    expect(back.stdout).toMatch(
      /^LSTM, 2 × 16 units, embedding 8, vocabulary \d+ \(characters\): [\d,]+ parameters\n/,
    );
    const [before, after] = [read("model.safetensors"), read("back.safetensors")];
    expect(after.tensors).toEqual(before.tensors);
    expect(after.metadata.tokenizer).toBe(before.metadata.tokenizer);
    const text = ["--length", "50", "-s", "3"];
    const [a, b] = [
      await run(directory, "generate", "model.safetensors", ...text),
      await run(directory, "generate", "back.safetensors", ...text),
    ];
    expect(b).toEqual(a);
  });

  it.each([
    ["f16", "F16"],
    ["bf16", "BF16"],
  ])("take %s", async (dtype, name) => {
    expect(await exported("--dtype", dtype, "--out", `${dtype}.safetensors`)).toMatchObject({ code: 0 });
    for (const tensor of read(`${dtype}.safetensors`).tensors.values()) expect(tensor.dtype).toBe(name);
    const args = [
      `${dtype}.safetensors`,
      "--tokenizer",
      "model.safetensors",
      "-o",
      `from-${dtype}.safetensors`,
    ];
    expect(await imported(...args)).toMatchObject({ code: 0, stderr: "" });
    const text = ["eval", `from-${dtype}.safetensors`, "text.txt", "--json"];
    const loss = JSON.parse((await run(directory, ...text)).stdout).loss;
    const exact = JSON.parse(
      (await run(directory, "eval", "model.safetensors", "text.txt", "--json")).stdout,
    ).loss;
    expect(loss).toBeCloseTo(exact, dtype === "f16" ? 4 : 2);
    expect(loss).not.toBe(exact);
  });

  it("read a module's own names, and say which biases became zeros", async () => {
    const { tensors } = read("model.safetensors");
    const theirs = [...tensors].flatMap(([name, tensor]) =>
      name === "decoder.bias"
        ? []
        : [[name.replace("rnn.", "lstm.").replace("decoder.", "fc."), tensor] as const],
    );
    writeFileSync(join(directory, "theirs.safetensors"), writeSafetensors(new Map(theirs)));
    const args = ["theirs.safetensors", "--tokenizer", "model.safetensors", "-o", "named.safetensors"];
    const wrong = await imported(...args);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toMatch(
      /^error: theirs\.safetensors: no rnn\.weight_hh_l0 among [^\n]+lstm\.weight_ih_l0/,
    );
    const undecoded = await imported(...args, "--rnn", "lstm");
    expect(undecoded).toMatchObject({ code: 1, stdout: "" });
    expect(undecoded.stderr).toMatch(/^error: theirs\.safetensors: no decoder\.weight among [^\n]+\n$/);
    const { code, stdout, stderr } = await imported(...args, "--rnn", "lstm", "--decoder", "fc");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("\nwithout biases there, so zeros: decoder.bias\n");
  });

  it("refuse a file in their way, and what is no model", async () => {
    const over = await exported("--out", "./model.safetensors");
    expect(over).toMatchObject({ code: 2, stdout: "" });
    expect(over.stderr).toBe(
      "error: --out ./model.safetensors is a file that is read: it would be overwritten\n",
    );
    expect((await imported("model.safetensors")).stderr).toContain("required option '--tokenizer <file>'");
    const words = await run(
      directory,
      "tokenizer",
      "train",
      "text.txt",
      "--type",
      "word",
      "--out",
      "words.json",
    );
    expect(words.code).toBe(0);
    const other = await imported("model.safetensors", "--tokenizer", "words.json", "-o", "x.safetensors");
    expect(other).toMatchObject({ code: 1, stdout: "" });
    expect(other.stderr).toMatch(
      /^error: model\.safetensors: the embedding has \d+ vectors, but the tokenizer has \d+/,
    );
    const none = await imported("text.txt", "--tokenizer", "model.safetensors", "-o", "x.safetensors");
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toMatch(/^error: text\.txt: safetensors: /);
  });
});
