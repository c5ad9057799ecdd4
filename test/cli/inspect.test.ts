import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DOMParser } from "@xmldom/xmldom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LayerDiagnosis } from "../../src/diagnose/diagnose.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { run, SMALL, workDirectory } from "./run.ts";

let directory: string;
let remove: () => void;

const cells = ["lstm", "gru", "rnn"] as const;

beforeAll(async () => {
  ({ directory, remove } = workDirectory());
  for (const cell of cells) {
    const options = ["--cell", cell, "--layers", "2", "--steps", "20", "--out", `${cell}.safetensors`];
    expect(await run(directory, "train", "text.txt", ...SMALL, ...options)).toMatchObject({ code: 0 });
  }
});

afterAll(() => remove());

const inspect = (...args: string[]) => run(directory, "inspect", ...args);

describe("inspect", () => {
  it.each(cells)("%s: shows gradients, gates and memory in 80 columns", async (cell) => {
    const { code, stdout, stderr } = await inspect(`${cell}.safetensors`, "text.txt", "--length", "30");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toContain("\x1b");
    expect(stdout).toContain(
      `${cell}.safetensors: ${cell.toUpperCase()}, 2 × 16 units\n32 rows of 30 tokens of text.txt`,
    );
    for (const layer of [0, 1]) {
      expect(stdout).toContain(`layer ${layer}: norm of the gradient by distance from the loss\n`);
      const gates = { lstm: "ifgo", gru: "rzn", rnn: "h" }[cell];
      expect(stdout).toMatch(
        new RegExp(`\nlayer ${layer} +${gates[0]} +-?\\d\\.\\d{3}( +\\d+\\.\\d %){2} +\\d+\\.\\d{3}\n`),
      );
      const memory = new RegExp(
        `layer ${layer}: (forget|update) gate 0\\.\\d{3} on average; .* median [\\d.]+, longest`,
      );
      if (cell === "rnn") expect(stdout).not.toContain("half-lives");
      else expect(stdout).toMatch(memory);
    }
    expect(stdout).toMatch(/dL\/dh [\d.e-]+ at the loss, [\d.e-]+ 30 tokens before: ×\d\.\d{3} a token\n/);
    expect(stdout.includes("·· dL/dc")).toBe(cell === "lstm");
    for (const line of stdout.split("\n").filter((line) => /┤|──/.test(line))) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it("gives all figures as one JSON object, the loss being that of the last step alone", async () => {
    const args = ["lstm.safetensors", "text.txt", "--length", "20", "--rows", "5", "--json"];
    const { code, stdout, stderr } = await inspect(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { loss, layers, config, model, text } = JSON.parse(stdout);
    expect({ model, text }).toEqual({ model: "lstm.safetensors", text: "text.txt" });
    expect(config).toMatchObject({ cell: "lstm", numLayers: 2 });
    expect(loss).toBeGreaterThan(0);
    expect(layers).toHaveLength(2);
    for (const layer of layers as LayerDiagnosis[]) {
      expect(layer).toMatchObject({ kind: "lstm", steps: 20, batchSize: 5, hiddenSize: 16 });
      expect(layer.hiddenGradient).toHaveLength(21);
      expect(layer.cellGradient).toHaveLength(21);
      expect(Object.keys(layer.spectralRadius)).toEqual(["i", "f", "g", "o"]);
      expect(layer.memory?.halfLives).toHaveLength(16);
      // With a loss at every step it would not fade: each step would have a gradient of its own.
      expect(layer.hiddenGradient[20]).toBeLessThan(0.05 * layer.hiddenGradient[0]);
    }
    expect(await inspect(...args)).toEqual({ code, stdout, stderr });
  });

  it("writes a plot with a line a layer and state", async () => {
    const args = ["lstm.safetensors", "text.txt", "--svg", "plot.svg", "--rows", "2"];
    const { code, stdout } = await inspect(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nplot: plot\.svg\n$/);
    const svg = new DOMParser().parseFromString(
      readFileSync(join(directory, "plot.svg"), "utf8"),
      "image/svg+xml",
    );
    const groups = Array.from(svg.getElementsByTagName("g")).map(
      (group) => group.getAttribute("class") ?? "",
    );
    expect(groups.filter((name) => name.startsWith("series"))).toHaveLength(4);
  });

  it("reads a text that is just long enough", async () => {
    writeFileSync(join(directory, "short.txt"), "call me ishmael");
    const fits = await inspect("gru.safetensors", "short.txt", "--length", "10", "--rows", "5", "--json");
    expect(fits).toMatchObject({ code: 0 });
    const one = await inspect("gru.safetensors", "short.txt", "--length", "14", "--rows", "1", "--json");
    expect(one).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await inspect(
      "gru.safetensors",
      "short.txt",
      "--length",
      "10",
      "--rows",
      "6",
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "error: short.txt: the text has 15 tokens; 6 rows of 10 tokens and one to predict need at least 16: " +
        "try a smaller --length or --rows\n",
    );
  });

  it("refuses a model without a tokenizer, one of NaN, and to overwrite what it reads", async () => {
    const { tensors, metadata } = readSafetensors(readFileSync(join(directory, "rnn.safetensors")));
    const { tokenizer: _, ...rest } = metadata;
    writeFileSync(join(directory, "mute.safetensors"), writeSafetensors(tensors, rest));
    const mute = await inspect("mute.safetensors", "text.txt");
    expect(mute).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: mute.safetensors holds no tokenizer: it cannot read text\n",
    });
    tensors.get("decoder.bias")!.data.fill(Number.NaN);
    writeFileSync(join(directory, "nan.safetensors"), writeSafetensors(tensors, metadata));
    const nan = await inspect("nan.safetensors", "text.txt");
    expect(nan).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "error: nan.safetensors: the loss on text.txt is NaN\n",
    });
    const over = await inspect("rnn.safetensors", "text.txt", "--svg", "text.txt");
    expect(over).toMatchObject({ code: 2, stdout: "" });
    expect(over.stderr).toContain("--svg text.txt is a file that is read: it would be overwritten");
  });

  it("shows a model through whose output no gradient comes", async () => {
    const { tensors, metadata } = readSafetensors(readFileSync(join(directory, "rnn.safetensors")));
    tensors.get("decoder.weight")!.data.fill(0);
    writeFileSync(join(directory, "zero.safetensors"), writeSafetensors(tensors, metadata));
    const { code, stdout } = await inspect("zero.safetensors", "text.txt");
    expect(code).toBe(0);
    expect(stdout).toContain("no gradient reaches the layer");
    const svg = await inspect("zero.safetensors", "text.txt", "--svg", "zero.svg");
    expect(svg).toMatchObject({ code: 1, stdout: "" });
    expect(svg.stderr).toContain("there is no gradient to draw");
  });

  it("shows a model whose gradients overflow", async () => {
    const { tensors, metadata } = readSafetensors(readFileSync(join(directory, "rnn.safetensors")));
    // States of 0, where tanh is steepest.
    for (const [name, { data }] of tensors) {
      if (/embedding|bias_/.test(name)) data.fill(0);
      if (name.includes("weight_hh")) data.fill(1e4);
    }
    writeFileSync(join(directory, "huge.safetensors"), writeSafetensors(tensors, metadata));
    const { code, stdout, stderr } = await inspect("huge.safetensors", "text.txt", "--svg", "huge.svg");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /dL\/dh [\d.e+-]+ at the loss, [\d.]+e\+3\d \d tokens before: ×\d{6}\.\d{3} a token\n/,
    );
    expect(stdout).toMatch(/layer 1 +h .* 160000\.000\n/);
  });
});
