import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { Corpus, evaluationBatches, type LanguageBatch, splitText } from "../../src/text/corpus.ts";

const count = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

/** The ids of one column of a batch, from first step to last. */
function column(batch: LanguageBatch, values: Int32Array, b: number): number[] {
  return Array.from({ length: batch.steps }, (_, t) => values[t * batch.batchSize + b]);
}

describe("Corpus, training", () => {
  it("reads contiguous columns side by side, time-major", () => {
    const corpus = new Corpus(count(9), { batchSize: 2, sequenceLength: 2, validationFraction: 0 });
    expect(corpus.stepsPerEpoch).toBe(2);
    expect(corpus.tokensPerBatch).toBe(4);
    expect(corpus.trainBatch(0)).toEqual({
      inputs: Int32Array.of(0, 4, 1, 5),
      targets: Int32Array.of(1, 5, 2, 6),
      steps: 2,
      batchSize: 2,
      continues: false,
    });
    expect(corpus.trainBatch(1)).toEqual({
      inputs: Int32Array.of(2, 6, 3, 7),
      targets: Int32Array.of(3, 7, 4, 8),
      steps: 2,
      batchSize: 2,
      continues: true,
    });
    expect(corpus.trainBatch(2)).toEqual(corpus.trainBatch(0));
  });

  it("continues each column where the batch before ended, and never shows validation ids", () => {
    const sizes = fc.record({
      length: fc.integer({ min: 40, max: 400 }),
      batchSize: fc.integer({ min: 1, max: 4 }),
      sequenceLength: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(sizes, fc.nat(1000), ({ length, ...options }, step) => {
        const corpus = new Corpus(count(length), options);
        const batch = corpus.trainBatch(step);
        const next = corpus.trainBatch(step + 1);
        const limit = length - Math.floor(length * 0.1);
        expect(batch.continues).toBe(step % corpus.stepsPerEpoch !== 0);
        expect(batch.inputs.length).toBe(corpus.tokensPerBatch);
        batch.inputs.forEach((id, i) => {
          expect(batch.targets[i]).toBe(id + 1);
          expect(id + 1).toBeLessThan(limit);
        });
        for (let b = 0; next.continues && b < batch.batchSize; b++) {
          expect(column(next, next.inputs, b)[0]).toBe(column(batch, batch.targets, b).at(-1));
        }
      }),
    );
  });

  it("takes the shortest text that makes one batch, and refuses one id less", () => {
    const options = { batchSize: 3, sequenceLength: 4, validationFraction: 0 };
    expect(new Corpus(count(13), options).stepsPerEpoch).toBe(1);
    const tooShort = () => new Corpus(count(12), options);
    expect(tooShort).toThrow(ConfigError);
    expect(tooShort).toThrow(
      "the text has 12 tokens, of which 12 are for training, but one batch needs 13 " +
        "(batchSize 3 × sequenceLength 4 + 1): lower batchSize or sequenceLength, or give a longer text",
    );
  });

  it.each([
    { batchSize: 0, sequenceLength: 1 },
    { batchSize: 1.5, sequenceLength: 1 },
    { batchSize: 1, sequenceLength: -1 },
    { batchSize: 1, sequenceLength: Number.NaN },
    { batchSize: 1, sequenceLength: 1, validationFraction: 1 },
    { batchSize: 1, sequenceLength: 1, validationFraction: -0.1 },
    { batchSize: 1, sequenceLength: 1, validationFraction: Number.NaN },
  ])("refuses the options %j", (options) => {
    expect(() => new Corpus(count(100), options)).toThrow(ConfigError);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses step %d", (step) => {
    const corpus = new Corpus(count(100), { batchSize: 1, sequenceLength: 1 });
    expect(() => corpus.trainBatch(step)).toThrow(ConfigError);
  });
});

describe("Corpus, validation", () => {
  it("keeps the last ids", () => {
    const corpus = new Corpus(count(100), { batchSize: 4, sequenceLength: 5, validationFraction: 0.2 });
    const targets = [...corpus.validationBatches()].flatMap((batch) => [...batch.targets]);
    expect(corpus.validationTokens).toBe(19);
    expect(targets.filter((id) => id >= 0).sort((a, b) => a - b)).toEqual([...count(100).slice(81)]);
  });

  it("can be done without", () => {
    const corpus = new Corpus(count(100), { batchSize: 4, sequenceLength: 5, validationFraction: 0 });
    expect(corpus.validationTokens).toBe(0);
    expect([...corpus.validationBatches()]).toEqual([]);
  });

  it("refuses a text that leaves one id for it", () => {
    const make = () => new Corpus(count(19), { batchSize: 1, sequenceLength: 1 });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow("19 tokens, of which 18 are for training and 1 for validation, which needs 2");
  });
});

describe("Corpus, with validation ids of its own", () => {
  const options = { batchSize: 2, sequenceLength: 3 };

  it("trains on all ids, and validates on the others", () => {
    const [training, validationIds] = [count(100).subarray(0, 90), count(100).subarray(90)];
    const corpus = new Corpus(training, { ...options, validationIds });
    const cut = new Corpus(count(100), options);
    expect(corpus.stepsPerEpoch).toBe(cut.stepsPerEpoch);
    for (let step = 0; step < corpus.stepsPerEpoch; step++) {
      expect(corpus.trainBatch(step)).toEqual(cut.trainBatch(step));
    }
    expect(corpus.validationTokens).toBe(9);
    expect([...corpus.validationBatches()]).toEqual([...cut.validationBatches()]);
  });

  it.each([0, 1])("refuses %d of them", (length) => {
    const make = () => new Corpus(count(90), { ...options, validationIds: count(length) });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(`of which 90 are for training and ${length} for validation, which needs 2`);
  });
});

describe("splitText", () => {
  it("gives the share at the end, and cuts no character and no line break", () => {
    const text = fc
      .array(fc.constantFrom("a", "\r", "\n", "\r\n", "𝄞", "\ud834", "\udd1e"))
      .map((all) => all.join(""));
    fc.assert(
      fc.property(text, fc.double({ min: 0, max: 0.99, noNaN: true }), (whole, fraction) => {
        const [training, validation] = splitText(whole, fraction);
        expect(training + validation).toBe(whole);
        const wanted = Math.floor(whole.length * fraction);
        expect(wanted - validation.length === 0 || wanted - validation.length === 1).toBe(true);
        if (training !== "") expect([...training, ...validation]).toEqual([...whole]);
        expect(training.endsWith("\r") && validation.startsWith("\n")).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it("cuts where a corpus cuts the ids of characters", () => {
    const text = "0123456789".repeat(7);
    expect(splitText(text, 0.1)).toEqual([text.slice(0, 63), text.slice(63)]);
    expect(splitText(text, 0)).toEqual([text, ""]);
  });

  it.each([-0.1, 1, Number.NaN])("refuses the share %d", (fraction) => {
    expect(() => splitText("text", fraction)).toThrow(ConfigError);
  });
});

describe("evaluationBatches", () => {
  const sizes = fc.record({
    length: fc.integer({ min: 2, max: 300 }),
    batchSize: fc.integer({ min: 1, max: 9 }),
    sequenceLength: fc.integer({ min: 1, max: 12 }),
  });

  it("predicts every id but the first exactly once, from the id before it", () => {
    fc.assert(
      fc.property(sizes, ({ length, ...options }) => {
        const predicted: number[] = [];
        for (const { inputs, targets, steps, batchSize } of evaluationBatches(count(length), options)) {
          expect(steps).toBeLessThanOrEqual(options.sequenceLength);
          expect(batchSize).toBeLessThanOrEqual(options.batchSize);
          expect(inputs.length).toBe(steps * batchSize);
          targets.forEach((target, i) => {
            expect(inputs[i]).toBe(target === -1 ? 0 : target - 1);
            if (target !== -1) predicted.push(target);
          });
        }
        expect(predicted.sort((a, b) => a - b)).toEqual([...count(length).slice(1)]);
      }),
    );
  });

  it("carries every column from batch to batch, and starts with an empty state", () => {
    fc.assert(
      fc.property(sizes, ({ length, ...options }) => {
        const batches = [...evaluationBatches(count(length), options)];
        expect(batches.map(({ continues }) => continues)).toEqual(batches.map((_, i) => i > 0));
        for (let b = 0; b < batches[0].batchSize; b++) {
          const targets = batches.flatMap((batch) => column(batch, batch.targets, b));
          const present = targets.filter((id) => id !== -1);
          expect(present.length).toBeGreaterThan(0);
          expect(targets.slice(0, present.length)).toEqual(present.map((_, i) => present[0] + i));
        }
      }),
    );
  });

  it("uses fewer columns for a short text", () => {
    const [batch] = evaluationBatches(count(8), { batchSize: 32, sequenceLength: 64 });
    expect(batch).toMatchObject({ steps: 7, batchSize: 1 });
  });

  it("can be gone through again", () => {
    const batches = evaluationBatches(count(50), { batchSize: 2, sequenceLength: 5 });
    expect([...batches]).toEqual([...batches]);
  });

  it("refuses a text of one id at once", () => {
    expect(() => evaluationBatches(count(1), { batchSize: 1, sequenceLength: 1 })).toThrow(ConfigError);
    expect(() => evaluationBatches(count(9), { batchSize: 0, sequenceLength: 1 })).toThrow(ConfigError);
  });
});
