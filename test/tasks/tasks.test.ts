import { describe, expect, it } from "vitest";
import {
  AddingProblem,
  ConfigError,
  CopyMemory,
  type SequenceBatch,
  type TaskOptions,
  TemporalOrder,
} from "../../src/index.ts";

const TASKS = { AddingProblem, CopyMemory, TemporalOrder };

/** The input vector of step t of sequence b. */
function vector({ inputs, batchSize, inputSize }: SequenceBatch, t: number, b: number): number[] {
  const at = (t * batchSize + b) * inputSize;
  return Array.from(inputs.subarray(at, at + inputSize));
}

/** The symbols of sequence b; fails unless every vector is one-hot. */
function symbols(batch: SequenceBatch, b: number): number[] {
  return Array.from({ length: batch.steps }, (_, t) => {
    const x = vector(batch, t, b);
    expect(x.filter((value) => value === 0).length).toBe(x.length - 1);
    expect(x.indexOf(1)).toBeGreaterThanOrEqual(0);
    return x.indexOf(1);
  });
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe.each(Object.entries(TASKS))("%s", (_, Task) => {
  const options: TaskOptions = { length: 12, batchSize: 5, seed: 7 };

  it("gives batches that are a function of seed and step", () => {
    const task = new Task(options);
    const batch = task.trainBatch(3);
    task.trainBatch(4);
    expect(task.trainBatch(3)).toEqual(batch);
    expect(new Task(options).trainBatch(3)).toEqual(batch);
    expect(task.trainBatch(4).inputs).not.toEqual(batch.inputs);
    // Steps and seeds whose lower halves agree.
    expect(task.trainBatch(3 + 2 ** 32).inputs).not.toEqual(batch.inputs);
    expect(new Task({ ...options, seed: 7 + 2 ** 32 }).trainBatch(3).inputs).not.toEqual(batch.inputs);
    expect(new Task({ ...options, seed: 8 }).trainBatch(3).inputs).not.toEqual(batch.inputs);
    expect(new Task({ ...options, seed: undefined }).trainBatch(0)).toEqual(
      new Task({ ...options, seed: 0 }).trainBatch(0),
    );
  });

  it("gives 2,560 sequences for validation, that training never sees", () => {
    const task = new Task({ ...options, batchSize: 500 });
    const batches = [...task.validationBatches()];
    expect(batches.length).toBe(6);
    expect([...task.validationBatches()]).toEqual(batches);
    for (const [i, batch] of batches.entries()) {
      expect(batch.continues).toBe(false);
      expect(batch.inputs).not.toEqual(task.trainBatch(i).inputs);
    }
  });

  it("says the sizes of what it gives", () => {
    const task = new Task(options);
    const batch = task.trainBatch(0);
    expect(batch.inputSize).toBe(task.inputSize);
    expect(batch.inputs.length).toBe(batch.steps * batch.batchSize * batch.inputSize);
    expect(batch.batchSize).toBe(5);
    if (batch.targets instanceof Int32Array) {
      expect(Math.min(...batch.targets)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...batch.targets)).toBeLessThan(task.outputSize);
    } else {
      expect(task.outputSize).toBe(1);
    }
  });

  it.each<[Partial<TaskOptions>, RegExp]>([
    [{ length: 0 }, /length must be an integer from \d+ to \d+, got 0/],
    [{ length: 12.5 }, /length .* got 12.5/],
    [{ batchSize: 0 }, /batchSize .* got 0/],
    [{ length: 1 << 20, batchSize: 1 << 20 }, /length · batchSize must be at most \d+, got 1099511627776/],
    [{ seed: -1 }, /seed .* got -1/],
    [{ seed: Number.NaN }, /seed .* got NaN/],
  ])("refuses %o", (wrong, message) => {
    const make = () => new Task({ ...options, ...wrong });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });

  it("refuses a step that is none", () => {
    expect(() => new Task(options).trainBatch(-1)).toThrow(ConfigError);
  });
});

describe("AddingProblem", () => {
  it.each([2, 3, 17, 100])("marks two values of %i, one a half, and asks for their sum", (length) => {
    const batch = new AddingProblem({ length, batchSize: 200 }).trainBatch(0);
    const seen = new Set<number>();
    for (let b = 0; b < 200; b++) {
      const steps = Array.from({ length }, (_, t) => vector(batch, t, b));
      const marked = steps.flatMap(([, mark], t) => (mark === 1 ? [t] : []));
      expect(steps.every(([value, mark]) => value >= 0 && value < 1 && (mark === 0 || mark === 1))).toBe(
        true,
      );
      expect(marked.length).toBe(2);
      expect(marked[0]).toBeLessThan(Math.floor(length / 2));
      expect(marked[1]).toBeGreaterThanOrEqual(Math.floor(length / 2));
      expect(batch.targets[b]).toBe(Math.fround(steps[marked[0]][0] + steps[marked[1]][0]));
      for (const t of marked) seen.add(t);
    }
    if (length <= 17) expect(seen.size).toBe(length);
    else expect(seen.size).toBeGreaterThan(0.9 * length);
  });

  it("has uniform values, and the baseline that it says", () => {
    const task = new AddingProblem({ length: 20, batchSize: 2000 });
    const { inputs, targets } = task.trainBatch(1);
    const values = Array.from(inputs).filter((_, i) => i % 2 === 0);
    expect(mean(values)).toBeCloseTo(1 / 2, 2);
    expect(mean(values.map((x) => (x - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    expect(mean(Array.from(targets, (y) => (y - 1) ** 2))).toBeCloseTo(task.baselineLoss, 2);
  });
});

describe("CopyMemory", () => {
  it("shows symbols, blanks and a delimiter, and asks for the symbols", () => {
    const task = new CopyMemory({ length: 5, batchSize: 50, symbols: 4, alphabetSize: 3 });
    const batch = task.trainBatch(0);
    expect(batch.steps).toBe(13);
    const [blank, delimiter] = [3, 4];
    for (let b = 0; b < 50; b++) {
      const seen = symbols(batch, b);
      const asked = seen.map((_, t) => batch.targets[t * 50 + b]);
      expect(seen.slice(0, 4).every((symbol) => symbol < blank)).toBe(true);
      expect(seen.slice(4)).toEqual([...Array(4).fill(blank), delimiter, ...Array(4).fill(blank)]);
      expect(asked).toEqual([...Array(9).fill(blank), ...seen.slice(0, 4)]);
    }
  });

  it("has ten symbols of eight kinds unless told, all as likely", () => {
    const task = new CopyMemory({ length: 30, batchSize: 1000 });
    const batch = task.trainBatch(0);
    expect([batch.steps, task.inputSize, task.outputSize]).toEqual([50, 10, 9]);
    const counts = Array(9).fill(0);
    for (const target of batch.targets) counts[target]++;
    for (const count of counts.slice(0, 8)) expect(Math.abs(count / 10_000 - 1 / 8)).toBeLessThan(0.015);
    // Blanks are certain, and each of ten symbols costs ln 8.
    expect(task.baselineLoss).toBeCloseTo((10 * Math.log(8)) / 50, 12);
  });

  it.each([{ symbols: 0 }, { alphabetSize: 1 }, { symbols: 1.5 }])("refuses %o", (wrong) => {
    expect(() => new CopyMemory({ length: 5, batchSize: 1, ...wrong })).toThrow(ConfigError);
  });
});

describe("TemporalOrder", () => {
  it.each([10, 17, 100])("puts two of X and Y into the noise of %i steps, and asks which", (length) => {
    const batch = new TemporalOrder({ length, batchSize: 400 }).trainBatch(0);
    const counts = [0, 0, 0, 0];
    for (let b = 0; b < 400; b++) {
      const seen = symbols(batch, b);
      const events = seen.flatMap((symbol, t) => (symbol === 2 || symbol === 3 ? [t] : []));
      expect([seen[0], seen[length - 1]]).toEqual([0, 1]);
      expect(seen.slice(1, -1).every((symbol) => symbol >= 2 && symbol < 8)).toBe(true);
      expect(events.length).toBe(2);
      const [first, second] = events.map((t) => t / length);
      expect(first > 0 && first <= 0.2 && second > 0.4 && second <= 0.6).toBe(true);
      expect(batch.targets[b]).toBe(["2,2", "2,3", "3,2", "3,3"].indexOf(events.map((t) => seen[t]).join()));
      counts[batch.targets[b]]++;
    }
    for (const count of counts) expect(Math.abs(count / 400 - 1 / 4)).toBeLessThan(0.08);
  });

  it("needs ten steps for its two places", () => {
    expect(() => new TemporalOrder({ length: 9, batchSize: 1 })).toThrow(/length .* from 10 .* got 9/);
    expect(new TemporalOrder({ length: 10, batchSize: 1 }).baselineLoss).toBeCloseTo(Math.log(4), 12);
  });
});
