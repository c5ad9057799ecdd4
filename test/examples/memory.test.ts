import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hiddenSizeFor, MemoryModel } from "../../examples/memory/model.ts";
import { type Options, parseOptions } from "../../examples/memory/options.ts";
import { PROFILES } from "../../examples/memory/tasks.ts";
import { createEngine, type Engine, type SequenceBatch, train } from "../../src/index.ts";

describe("MemoryModel", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ seed: 3, numerics: "reproducible" });
  });

  it.each(["rnn", "lstm", "gru"] as const)(
    "%s: the size comes nearest to the parameters asked for",
    (cell) => {
      const sizes = { cell, inputSize: 3, outputSize: 2, longest: 20 };
      const distance = (hiddenSize: number): number =>
        Math.abs(new MemoryModel(engine, { ...sizes, hiddenSize }).parameterCount - 700);
      const hiddenSize = hiddenSizeFor(cell, 3, 2, 700);
      expect(distance(hiddenSize)).toBeLessThanOrEqual(distance(hiddenSize - 1));
      expect(distance(hiddenSize)).toBeLessThanOrEqual(distance(hiddenSize + 1));
    },
  );

  it.each(["lstm", "gru"] as const)("%s: starts with memories from one step to the longest", (cell) => {
    const model = new MemoryModel(engine, {
      cell,
      inputSize: 2,
      hiddenSize: 40,
      outputSize: 1,
      longest: 100,
    });
    const parameters = new Map(model.namedParameters());
    const bias = parameters.get("rnn.bias_ih_l0")?.toArray() ?? [];
    const keep = Array.from(bias.slice(40, 80));
    expect(Math.min(...keep)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...keep)).toBeLessThan(Math.log(99) + 1e-6);
    // The median of ln u is ln 50.
    expect(keep.filter((b) => b > Math.log(50)).length).toBeGreaterThan(10);
    if (cell === "lstm") expect(Array.from(bias.slice(0, 40))).toEqual(keep.map((b) => -b));
    expect(
      parameters
        .get("rnn.bias_hh_l0")
        ?.toArray()
        .every((b) => b === 0),
    ).toBe(true);
  });

  it("answers after the last step, or at every one, as the targets ask", () => {
    const config = { cell: "gru", inputSize: 2, hiddenSize: 5, outputSize: 3, longest: 4 } as const;
    const model = new MemoryModel(engine, config);
    const inputs = Float32Array.from({ length: 4 * 2 * 2 }, (_, i) => (i % 5) / 5);
    const batch = { inputs, steps: 4, batchSize: 2, inputSize: 2, continues: false } as const;
    const atEnd: SequenceBatch = { ...batch, targets: Int32Array.of(0, 2) };
    const always: SequenceBatch = { ...batch, targets: new Int32Array(8).fill(1) };
    const [end, every] = [atEnd, always].map((b) => engine.infer(() => model.forward(b).toArray()));
    expect([end.length, every.length]).toEqual([6, 24]);
    expect(every.slice(18)).toEqual(end);
    expect(model.parameterCount).toBe(3 * 5 * (2 + 5 + 2) + 6 * 3);
    expect(engine.infer(() => model.loss(always).count)).toBe(8);
  });

  it("learns the adding problem of ten steps, far below what no memory can", async () => {
    const task = PROFILES.adding.create({ length: 10, batchSize: 64, seed: 1 });
    const config = { cell: "gru", inputSize: 2, hiddenSize: 16, outputSize: 1, longest: 10 } as const;
    const model = new MemoryModel(engine, config);
    let loss = Number.NaN;
    for await (const report of train(model, task, { steps: 400, learningRate: 0.03, evaluateEvery: 400 })) {
      if (report.kind === "validation") loss = report.loss;
    }
    expect(loss).toBeLessThan(0.02 * task.baselineLoss);
  });
});

describe("right answers", () => {
  const batch = { inputs: new Float32Array(0), inputSize: 1, continues: false } as const;

  it("are sums off by less than 0.04", () => {
    const targets = Float32Array.of(1, 1, 1, 1);
    const outputs = Float32Array.of(1.03, 0.97, 1.05, 0.95);
    expect(PROFILES.adding.right(outputs, { ...batch, targets, steps: 9, batchSize: 4 })).toEqual({
      right: 2,
      asked: 4,
    });
  });

  it("are the likeliest classes, for a copy those of the last steps alone", () => {
    const outputs = Float32Array.of(0, 2, 1, 5, 4, 3, 0, 0, 1);
    const order = { ...batch, targets: Int32Array.of(1, 0, 0), steps: 9, batchSize: 3 };
    expect(PROFILES.order.right(outputs, order)).toEqual({ right: 2, asked: 3 });
    const steps = 20;
    const targets = new Int32Array(steps).fill(1);
    const ones = Float32Array.from({ length: 2 * steps }, (_, i) => i % 2);
    ones.set([1, 0], 2 * (steps - 1));
    const { right, asked } = PROFILES.copy.right(ones, { ...batch, targets, steps, batchSize: 1 });
    expect([asked > 1, asked < steps, asked - right]).toEqual([true, true, 1]);
  });
});

describe("npm run example:memory", () => {
  const folder = mkdtempSync(join(tmpdir(), "memory-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ["examples/run.mjs", "memory", ...args, "--out", folder]);

  it("says in one line that its folder cannot be made", async () => {
    const args = ["examples/run.mjs", "memory", "--out", join("package.json", "x")];
    await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E\w+: [^\n]+\n$/),
    });
  });

  it("prints tables, and writes plots and JSON", async () => {
    const { stdout } = await run("--lengths", "12,20", "--steps", "3");
    for (const task of ["adding", "order", "copy"]) {
      const svg = readFileSync(join(folder, `memory-${task}.svg`), "utf8");
      for (const name of ["RNN", "LSTM", "GRU", "remembering nothing"])
        expect(svg).toContain(`>${name}</text>`);
      expect(stdout).toContain(`memory-${task}.svg`);
    }
    const results = JSON.parse(readFileSync(join(folder, "memory.json"), "utf8"));
    expect(results.length).toBe(18);
    for (const result of results) {
      expect(result.trained).toBe(3);
      expect(Math.abs(result.parameters - 4500)).toBeLessThan(150);
      expect(result.error).toBeGreaterThan(0);
      expect(result.right).toBeLessThanOrEqual(1);
    }
    const { stdout: again } = await run("--task", "copy", "--lengths", "12,20", "--steps", "3", "--json");
    const figures = (list: { task: string; error: number }[]) =>
      list.filter(({ task }) => task === "copy").map(({ error }) => error);
    expect(figures(JSON.parse(again))).toEqual(figures(results));
  });

  it.each([
    [["--task", "sorting"], /--task must be one of adding, order, copy/],
    [["--lengths", "10,x"], /--lengths must be an integer from 10 .*"x"/],
    [["--steps", "0"], /--steps must be an integer from 1 .*"0"/],
    [["--speed", "9"], /--speed/],
  ])("refuses %o", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });

  it("measures what it is told, and each task's own lengths otherwise", () => {
    const options = parseOptions(["--task", "order", "--lengths", "50,10,50", "--seed", "4"]) as Options;
    expect(options).toMatchObject({ tasks: ["order"], lengths: [10, 50], seed: 4, steps: undefined });
    expect(parseOptions([])).toMatchObject({ tasks: ["adding", "order", "copy"], lengths: undefined });
  });
});
