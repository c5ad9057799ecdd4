import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/formats/safetensors.ts";
import { finished, run, SMALL, start, workDirectory } from "./run.ts";

let directory: string;
let remove: () => void;

beforeEach(() => {
  ({ directory, remove } = workDirectory());
});

afterEach(() => remove());

const train = (...args: string[]) => run(directory, "train", "text.txt", ...SMALL, ...args);
const bytesOf = (name: string): Buffer => readFileSync(join(directory, name));

/** Starts a training and interrupts it in the middle. */
async function interrupted(signal: NodeJS.Signals, ...args: string[]) {
  // Long samples, which change no weights, keep the run from ending before the signal comes.
  const slow = ["--sample-length", "30000", "--out", "half.safetensors"];
  const child = start(directory, ["train", "text.txt", ...SMALL, ...slow, ...args]);
  let seen = "";
  child.stdout!.on("data", (text) => {
    seen += text;
    // Once: a second signal would end the process at once.
    if (!child.killed && /validation/.test(seen)) child.kill(signal);
  });
  return finished(child);
}

describe("train", () => {
  it("reports JSON lines, and the loss falls", async () => {
    const { code, stdout, stderr } = await train("--json", "--steps", "60", "--learning-rate", "0.01");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const reports = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const of = (kind: string) => reports.filter((report) => report.kind === kind);
    expect(reports[0]).toMatchObject({ kind: "start", file: "text.txt", steps: 60, step: 0 });
    expect(reports.at(-1)).toEqual({
      kind: "saved",
      path: "model.safetensors",
      clippedShare: of("step").filter(({ clipped }) => clipped).length / 60,
    });
    expect(of("step").map(({ step }) => step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(of("validation").map(({ step }) => step)).toEqual([6, 12, 18, 24, 30, 36, 42, 48, 54, 60]);
    expect(of("sample")).toHaveLength(10);
    expect(of("step").at(-1).loss).toBeLessThan(0.95 * of("step")[0].loss);
    expect(of("validation").at(-1).loss).toBeLessThan(of("validation")[0].loss);
    expect(readdirSync(directory).sort()).toEqual(["model.safetensors", "text.txt"]);
  });

  it("prints lines and a plot that fits 80 columns, without colours where there is no terminal", async () => {
    const { code, stdout, stderr } = await train("--steps", "100", "--sample-length", "0");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toContain("\x1b");
    expect(stdout).toContain("── training   ·· validation");
    expect(stdout).toMatch(/clipping touched \d+\.\d % of the steps\nsaved to model\.safetensors\n/);
    const [, prompt] = /^try: {2}npx unrolled generate model\.safetensors --prompt "(.+)"$/m.exec(stdout)!;
    expect(`\n${readFileSync(join(directory, "text.txt"))}`).toContain(`\n${prompt}`);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("says how to go on in words that a shell can read", async () => {
    mkdirSync(join(directory, "my runs"));
    const { stdout } = await train("--steps", "1", "--out", "my runs/a.safetensors");
    expect(stdout).toContain("\ntry:  npx unrolled generate 'my runs/a.safetensors' --prompt ");
  });

  it("counts steps from epochs", async () => {
    const { stdout } = await train("--epochs", "0.1", "--json");
    expect(JSON.parse(stdout.split("\n")[0]).steps).toBe(Math.ceil(0.1 * Math.floor(10799 / 4 / 16)));
  });

  it("trains the same model on one thread as on three", async () => {
    // Large enough for work to be shared.
    const sizes = [
      "--hidden-size",
      "64",
      "--batch-size",
      "32",
      "--steps",
      "40",
      "--numerics",
      "reproducible",
    ];
    for (const threads of ["1", "3"]) {
      const { stderr } = await train(...sizes, "--threads", threads, "--out", `${threads}.safetensors`);
      expect(stderr).toBe("");
    }
    expect(bytesOf("3.safetensors").equals(bytesOf("1.safetensors"))).toBe(true);
    expect(await train("--threads", "65")).toMatchObject({ code: 2 });
  });

  it("stops at a loss that is not finite, and says where the checkpoint of before is", async () => {
    // The logits grow from step to step, until a sum of them overflows.
    const options = ["--optimizer", "sgd", "--clip", "Infinity", "--warmup", "30", "--learning-rate", "1e39"];
    const { code, stderr } = await train(...options, "--steps", "100", "--evaluate-every", "1");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: the [^\n]+\. The last checkpoint is in model\.safetensors\n$/);
    expect(await run(directory, "export", "model.safetensors")).toMatchObject({ code: 0 });
  });

  it("leaves the file of an earlier run as it is until there is progress", async () => {
    expect((await train("--steps", "1")).code).toBe(0);
    const before = bytesOf("model.safetensors");
    const diverged = await train("--learning-rate", "1e99", "--steps", "10");
    expect(diverged.code).toBe(1);
    expect(diverged.stderr).toMatch(/^error: the validation loss after step 1 is NaN. Nothing was saved\n$/);
    expect(bytesOf("model.safetensors").equals(before)).toBe(true);
    writeFileSync(join(directory, "text.txt"), "the whale ".repeat(60_000));
    const large = await train("--hidden-size", "1024", "-b", "1000", "-T", "500");
    expect(large.code).toBe(1);
    expect(large.stderr).toMatch(/^error: out of memory/);
    expect(bytesOf("model.safetensors").equals(before)).toBe(true);
  });

  it.each([[[]], [["--json"]]])("goes on when its reader stops early, %j", async (json) => {
    const args = [...SMALL, "--steps", "300", "--seed", "5"];
    const child = start(directory, ["train", "text.txt", ...args, ...json]);
    child.stdout!.once("data", () => child.stdout!.destroy());
    const { code, stderr } = await finished(child);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^(nobody reads the output any more; going on to write model\.safetensors\n)?$/);
    expect((await train(...args, "--out", "heard.safetensors")).code).toBe(0);
    expect(bytesOf("model.safetensors").equals(bytesOf("heard.safetensors"))).toBe(true);
    expect(readdirSync(directory).sort()).toEqual(["heard.safetensors", "model.safetensors", "text.txt"]);
  });

  it("ends with 143 on SIGTERM", async () => {
    expect(await interrupted("SIGTERM", "--steps", "3000")).toMatchObject({ code: 143 });
  });
});

describe("train, options of the layers and of the optimizer", () => {
  const metadataOf = (name: string) => readSafetensors(bytesOf(name));

  it("makes the model that they ask for, and stores them in it", async () => {
    const options = [
      "--proj-size",
      "8",
      "--forget-bias",
      "1.5",
      "--recurrent-init",
      "orthogonal",
      "--tie-weights",
    ];
    // A rate of 0 leaves the weights as they started.
    const { code, stdout } = await train(...options, "--steps", "1", "--learning-rate", "0");
    expect(code).toBe(0);
    expect(stdout).toContain("LSTM, 1 × 16 units projected to 8, embedding 8");
    const { tensors, metadata } = metadataOf("model.safetensors");
    expect(JSON.parse(metadata.config)).toMatchObject({
      projSize: 8,
      forgetBias: 1.5,
      recurrentInit: "orthogonal",
      tieWeights: true,
    });
    expect([...tensors.get("rnn.bias_ih_l0")!.data.subarray(16, 32)]).toEqual(Array(16).fill(1.5));
    expect(tensors.get("rnn.weight_hr_l0")!.shape).toEqual([8, 16]);
    // 16 rows of 8 columns in each gate's block: orthonormal columns.
    const block = tensors.get("rnn.weight_hh_l0")!.data.subarray(0, 128) as Float32Array;
    expect(block.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(8, 4);
  });

  it("trains with RMSProp and its momentum", async () => {
    const options = ["--optimizer", "rmsprop", "--momentum", "0.5", "--learning-rate", "0.002"];
    const { code, stdout } = await train("--json", "--steps", "60", ...options);
    expect(code).toBe(0);
    const reports = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const steps = reports.filter(({ kind }) => kind === "step");
    expect(steps.at(-1).loss).toBeLessThan(0.95 * steps[0].loss);
  });

  it("lowers the learning rate where the validation loss stands still", async () => {
    const plateau = ["--schedule", "plateau", "--patience", "0", "--decay", "0.25"];
    // So small a rate that no evaluation is better by the threshold.
    const options = [
      "--learning-rate",
      "1e-9",
      "--steps",
      "8",
      "--evaluate-every",
      "2",
      "--sample-length",
      "0",
    ];
    const { code, stdout } = await train("--json", ...plateau, ...options);
    expect(code).toBe(0);
    const reports = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const rates = reports
      .filter(({ kind }) => kind === "step")
      .map(({ learningRate }) => learningRate / 1e-9);
    const expected = [1, 1, 1, 1, 0.25, 0.25, 0.0625, 0.0625];
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i], 6);
  });
});

describe("train --tokenizer", () => {
  const startOf = async (...args: string[]) => {
    const { stdout } = await train("--json", "--steps", "2", "--sample-length", "0", ...args);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  };

  it.each([
    ["bpe", "byte-level BPE"],
    ["char-bpe", "character BPE"],
    ["word", "words"],
    ["char", "characters"],
  ])("%s: learns from the training part alone, and measures in bytes", async (kind, tokenizer) => {
    // The held-out half has another word, and another letter.
    const text = "the whale ".repeat(1000) + "the zebra ".repeat(1000);
    writeFileSync(join(directory, "text.txt"), text);
    const size = kind === "char" ? [] : ["--vocab-size", "262"];
    const [first, ...rest] = await startOf("--validation", "0.5", "--tokenizer", kind, ...size);
    expect(first).toMatchObject({ tokenizer });
    expect(first.bytesPerToken).toBeGreaterThanOrEqual(1);
    const { metadata } = readSafetensors(bytesOf("model.safetensors"));
    if (kind === "char") expect(JSON.parse(metadata.tokenizer).characters).toBe(" aehltw");
    expect(metadata.tokenizer).not.toMatch(/zeb|bra/);
    const [validation] = rest.filter((report) => report.kind === "validation");
    const { bitsPerByte, bitsPerToken, count } = validation;
    expect((bitsPerToken * count) / bitsPerByte).toBeGreaterThan(9_980);
    expect((bitsPerToken * count) / bitsPerByte).toBeLessThan(10_000);
  });

  it("takes a tokenizer from a file, and warns of what it doesn't know", async () => {
    writeFileSync(join(directory, "few.txt"), "call me ".repeat(9));
    const file = ["few.txt", "--type", "word", "--out", "few.json"];
    expect((await run(directory, "tokenizer", "train", ...file)).code).toBe(0);
    const { code, stdout, stderr } = await train("--tokenizer", "few.json", "--steps", "2");
    expect(code).toBe(0);
    expect(stdout).toMatch(/tokens are words: \d\.\d\d bytes per token, \d\d\.\d\d % of them <unk>\n/);
    expect(stderr).toMatch(
      /^warning: the held-out part of text\.txt has words outside the vocabulary, \d\d\.\d\d % /,
    );
  });

  it.each(["bpe", "char-bpe", "word"])("%s: resumes bit for bit", async (kind) => {
    const args = ["--steps", "1000", "--evaluate-every", "20", "--tokenizer", kind, "--vocab-size", "270"];
    expect((await interrupted("SIGINT", ...args)).code).toBe(130);
    const resumed = await run(directory, "train", "--resume", "half.safetensors", "--sample-length", "0");
    expect(resumed).toMatchObject({ code: 0 });
    expect(resumed.stdout).toMatch(/going on from step \d+/);
    expect((await train(...args, "--out", "whole.safetensors")).code).toBe(0);
    expect(bytesOf("half.safetensors").equals(bytesOf("whole.safetensors"))).toBe(true);
  });

  it.skipIf(process.platform === "win32")(
    "stops on a signal before the first step too, and gives the terminal back",
    async () => {
      const words = Array.from({ length: 200_000 }, (_, i) => (i * 7919).toString(36));
      writeFileSync(join(directory, "text.txt"), words.join(" "));
      writeFileSync(join(directory, "model.safetensors"), "of an earlier run");
      const terminal = "data:text/javascript,process.stderr.isTTY=true";
      const args = ["train", "text.txt", ...SMALL, "--tokenizer", "bpe", "--vocab-size", "60000"];
      const child = start(directory, args, { NODE_OPTIONS: `--import ${terminal}` });
      child.stderr!.on("data", (text) => {
        // What hides the cursor.
        if (!child.killed && String(text).includes("\x1b[?25l")) child.kill("SIGINT");
      });
      const { code, stderr } = await finished(child);
      expect(code).toBe(130);
      expect(stderr.lastIndexOf("\x1b[?25h")).toBeGreaterThan(stderr.lastIndexOf("\x1b[?25l"));
      expect(stderr.lastIndexOf("\x1b[?7h")).toBeGreaterThan(stderr.lastIndexOf("\x1b[?7l"));
      expect(stderr).toMatch(/stopped: nothing was written\n$/);
      expect(String(bytesOf("model.safetensors"))).toBe("of an earlier run");
    },
  );

  it("refuses another tokenizer for a checkpoint", async () => {
    await interrupted("SIGINT", "--steps", "3000");
    const args = ["train", "--resume", "half.safetensors", "--tokenizer", "bpe"];
    const { code, stderr } = await run(directory, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain("leave out --tokenizer");
  });
});

describe("train --resume", () => {
  it.each(["fast", "reproducible"])("ends with the bytes of an uninterrupted run, %s", async (numerics) => {
    // No held-out characters are new, so nothing but the run itself is on standard error.
    const args = ["--steps", "1500", "--evaluate-every", "40", "--numerics", numerics];
    const stopped = await interrupted("SIGINT", ...args);
    expect(stopped).toMatchObject({ code: 130, stderr: "" });
    expect(stopped.stdout).toMatch(/stopped at step \d+ of 1500; checkpoint saved to half\.safetensors\n/);
    expect(stopped.stdout).toContain("unrolled train --resume half.safetensors");
    expect(await run(directory, "generate", "half.safetensors", "-n", "5")).toMatchObject({ code: 0 });

    const resumed = await run(directory, "train", "--resume", "half.safetensors", "--sample-length", "0");
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    expect(resumed.stdout).toMatch(/going on from step \d+/);
    expect((await train(...args, "--out", "whole.safetensors")).code).toBe(0);
    expect(bytesOf("half.safetensors").equals(bytesOf("whole.safetensors"))).toBe(true);
    expect(readdirSync(directory).sort()).toEqual(["half.safetensors", "text.txt", "whole.safetensors"]);
  });

  it("goes on without a held-out part, from a checkpoint that a killed run left", async () => {
    const child = start(directory, [
      "train",
      "text.txt",
      ...SMALL,
      "--validation",
      "0",
      "--json",
      "--steps",
      "3000",
    ]);
    let seen = "";
    child.stdout!.on("data", (text) => {
      seen += text;
      if (/"kind":"sample"/.test(seen)) child.kill("SIGKILL");
    });
    await finished(child);
    const { stdout } = await run(
      directory,
      "train",
      "--resume",
      "model.safetensors",
      "--json",
      "--sample-length",
      "0",
    );
    expect(JSON.parse(stdout.split("\n")[0]).step).toBeGreaterThanOrEqual(300);
  });

  it("goes on with samples of the length that the run had, unless told another", async () => {
    await interrupted("SIGINT", "--steps", "3000", "--evaluate-every", "1");
    const whole = bytesOf("half.safetensors");
    // A second run of as many steps would take long: it is stopped at its first sample.
    const sampleLength = async (...args: string[]): Promise<number> => {
      writeFileSync(join(directory, "half.safetensors"), whole);
      const child = start(directory, ["train", "--resume", "half.safetensors", "--json", ...args]);
      let seen = "";
      child.stdout!.on("data", (text) => {
        seen += text;
        if (!child.killed && /"kind":"sample".*\n/.test(seen)) child.kill("SIGKILL");
      });
      await finished(child);
      const sample = seen.split("\n").find((line) => line.includes('"kind":"sample"'))!;
      return JSON.parse(sample).text.length;
    };
    expect(await sampleLength()).toBe(30_000);
    expect(await sampleLength("--sample-length", "7")).toBe(7);
  });

  it("goes on without clipping where the run had none", async () => {
    const args = ["--steps", "1000", "--evaluate-every", "20", "--clip", "Infinity"];
    expect((await interrupted("SIGINT", ...args)).code).toBe(130);
    const resumed = await run(directory, "train", "--resume", "half.safetensors", "--sample-length", "0");
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    expect(resumed.stdout).toContain("clipping touched 0.0 % of the steps");
    expect((await train(...args, "--out", "whole.safetensors")).code).toBe(0);
    expect(bytesOf("half.safetensors").equals(bytesOf("whole.safetensors"))).toBe(true);
  });

  it("refuses other options and broken checkpoints", async () => {
    await interrupted("SIGINT", "--steps", "3000");
    const resume = ["train", "--resume", "half.safetensors"];
    const other = await run(directory, ...resume, "--learning-rate", "0.1");
    expect(other).toMatchObject({ code: 2, stdout: "" });
    expect(other.stderr).toMatch(/^error: --resume [^\n]+leave out --learning-rate\n$/);
    writeFileSync(join(directory, "other.txt"), "another text, ".repeat(900));
    const text = await run(directory, "train", "other.txt", "--resume", "half.safetensors");
    expect(text).toMatchObject({ code: 2, stdout: "" });
    expect(text.stderr).toMatch(
      /^error: other.txt is not the text that half.safetensors was trained on[^\n]+\n$/,
    );

    const whole = bytesOf("half.safetensors");
    const cases: [RegExp, (path: string) => void][] = [
      [/half\.safetensors: safetensors: /, (path) => truncateSync(path, whole.length - 100)],
      [/half\.safetensors: safetensors: /, (path) => truncateSync(path, 100)],
      // The same length, so that only this one entry is wrong.
      [/half\.safetensors: .*\n/, (path) => replaceBytes(path, whole, '\\"block\\":', '\\"blick\\":')],
      [/half\.safetensors: .*\n/, (path) => replaceBytes(path, whole, '"optimizer.', '"optimiser.')],
    ];
    for (const [message, damage] of cases) {
      writeFileSync(join(directory, "half.safetensors"), whole);
      damage(join(directory, "half.safetensors"));
      const result = await run(directory, ...resume);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^error: [^\n]+\n$/);
      expect(result.stderr).toMatch(message);
    }
  });
});

function replaceBytes(path: string, bytes: Buffer, from: string, to: string): void {
  const text = bytes.toString("latin1");
  expect(text).toContain(from);
  writeFileSync(path, Buffer.from(text.replace(from, to), "latin1"));
}
