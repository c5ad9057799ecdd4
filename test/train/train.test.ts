import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Batch,
  CharacterTokenizer,
  ConfigError,
  Corpus,
  clipByValue,
  clipScale,
  createEngine,
  type Engine,
  evaluate,
  evaluationBatches,
  gradientNorm,
  type LanguageBatch,
  LanguageModel,
  Module,
  NumericError,
  Parameter,
  RMSProp,
  scale,
  stateDict,
  sum,
  type Tensor,
  Trainer,
  type TrainOptions,
  type TrainReport,
  train,
} from "../../src/index.ts";
import { rmsprop } from "../../src/reference/optimizers.ts";
import { createSchedule, Plateau } from "../../src/train/schedule.ts";
import { expectClose } from "../helpers/close.ts";

const TEXT = "the quick brown fox jumps over the lazy dog. ".repeat(40);
const tokenizer = CharacterTokenizer.train(TEXT);
const ids = tokenizer.encode(TEXT);

let engine: Engine;
beforeEach(async () => {
  engine = await createEngine({ numerics: "reproducible", seed: 3 });
});
afterEach(() => engine.close());

function createModel(hiddenSize = 16, dropout = 0): LanguageModel {
  return new LanguageModel(engine, { vocabSize: tokenizer.vocabSize, hiddenSize, dropout }, tokenizer);
}

function createCorpus(batchSize = 4, sequenceLength = 9, validationFraction = 0.1): Corpus {
  return new Corpus(ids, { batchSize, sequenceLength, validationFraction });
}

async function collect<T>(reports: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const report of reports) all.push(report);
  return all;
}

/** Trains long enough that something from outside has to end it. */
const ENDLESS: TrainOptions = { steps: 1_000_000, evaluateEvery: 0 };

describe("train", () => {
  it("learns a text that can be known by heart", async () => {
    const model = createModel(32);
    const losses: number[] = [];
    let validation = Number.NaN;
    const options = { steps: 300, learningRate: 1e-2, evaluateEvery: 300 };
    for await (const report of train(model, createCorpus(), options)) {
      if (report.kind === "step") losses.push(report.loss);
      else validation = report.loss;
    }
    // Guessing costs ln 29 = 3.37 nats a character, knowing how often each one comes 3.0.
    expect(losses[0]).toBeGreaterThan(2.9);
    expect(losses[299]).toBeLessThan(0.3);
    expect(validation).toBeLessThan(0.3);
  });

  it("reports every step and every evaluation", async () => {
    const model = createModel();
    const corpus = createCorpus();
    const options = {
      steps: 5,
      learningRate: 1e-2,
      schedule: "constant",
      clip: 0.2,
      evaluateEvery: 2,
    } as const;
    const reports = await collect(train(model, corpus, options));
    expect(reports.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      "step 1",
      "step 2",
      "validation 2",
      "step 3",
      "step 4",
      "validation 4",
      "step 5",
      "validation 5",
    ]);
    let clipped = 0;
    for (const report of reports) {
      expect(report.steps).toBe(5);
      if (report.kind === "step") {
        expect(report).toMatchObject({ epoch: 1, learningRate: 1e-2 });
        expect(report.clipped).toBe(report.gradientNorm > 0.2);
        if (report.clipped) clipped++;
        expect(report.clippedShare).toBe(clipped / report.step);
        expect(report.gradientNorm).toBeGreaterThan(0);
        expect(report.tokensPerSecond).toBeGreaterThan(0);
        expect(Number.isFinite(report.tokensPerSecond)).toBe(true);
        expect(report.secondsLeft).toBeGreaterThanOrEqual(0);
        if (report.step === 5) expect(report.secondsLeft).toBe(0);
      } else {
        expect(report.count).toBe(corpus.validationTokens);
        expect(report.perplexity).toBeCloseTo(Math.exp(report.loss), 10);
        expect(report.bitsPerToken).toBeCloseTo(report.loss / Math.log(2), 10);
      }
    }
  });

  it("counts epochs, and evaluates after each of them and at the end", async () => {
    const corpus = createCorpus(8, 45);
    expect(corpus.stepsPerEpoch).toBe(4);
    const reports = await collect(train(createModel(), corpus, { epochs: 2.3 }));
    const steps = reports.filter((report) => report.kind === "step");
    expect(steps.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
    const validations = reports.filter((report) => report.kind === "validation");
    expect(validations.map(({ step }) => step)).toEqual([4, 8, 10]);
    expect((await collect(train(createModel(), corpus))).filter(({ kind }) => kind === "step").length).toBe(
      4,
    );
  });

  it("does not evaluate where nothing is held out", async () => {
    const reports = await collect(
      train(createModel(), createCorpus(4, 9, 0), { steps: 3, evaluateEvery: 1 }),
    );
    expect(reports.map(({ kind }) => kind)).toEqual(["step", "step", "step"]);
  });

  it("stops when a timer aborts it", async () => {
    const stop = new AbortController();
    let fired = false;
    setTimeout(() => {
      fired = true;
      stop.abort();
    }, 60);
    let before = 0;
    let after = 0;
    for await (const { kind } of train(createModel(), createCorpus(), { ...ENDLESS, signal: stop.signal })) {
      expect(kind).toBe("step");
      if (fired) after++;
      else before++;
    }
    expect(fired).toBe(true);
    expect(before).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(1);
  });

  it("stops in an evaluation, without a report of half of it", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 60);
    const corpus = createCorpus();
    let read = 0;
    const data = {
      stepsPerEpoch: 1,
      trainBatch: (step: number) => corpus.trainBatch(step),
      *validationBatches() {
        for (; ; read++) yield corpus.trainBatch(read);
      },
    };
    const model = createModel();
    const reports = await collect(train(model, data, { steps: 9, signal: stop.signal }));
    expect(reports.map(({ kind }) => kind)).toEqual(["step"]);
    expect(read).toBeGreaterThan(0);
    expect(model.training).toBe(true);
  });

  it("is not finished before its last evaluation, which it makes up for", async () => {
    const stop = new AbortController();
    const corpus = createCorpus();
    const data = {
      stepsPerEpoch: corpus.stepsPerEpoch,
      trainBatch: (step: number) => corpus.trainBatch(step),
      validationBatches() {
        stop.abort();
        return corpus.validationBatches();
      },
    };
    const trainer = new Trainer(createModel(), data, { steps: 2 });
    const kinds = (reports: TrainReport[]): string[] => reports.map(({ kind }) => kind);
    expect(kinds(await collect(trainer.run(stop.signal)))).toEqual(["step", "step"]);
    expect([trainer.step, trainer.isFinished]).toEqual([2, false]);
    expect(kinds(await collect(trainer.run()))).toEqual(["validation"]);
    expect(trainer.isFinished).toBe(true);
    trainer.free();
  });

  it("takes no step when the signal was aborted before", async () => {
    const model = createModel();
    const before = stateDict(model);
    expect(await collect(train(model, createCorpus(), { signal: AbortSignal.abort() }))).toEqual([]);
    expect(stateDict(model)).toEqual(before);
  });

  it("lets timers run while it computes", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    for await (const _ of train(createModel(), createCorpus(), ENDLESS)) if (ticks >= 5) break;
    clearInterval(timer);
  });

  it("gives back the optimizer's and the state's memory when the loop is left", async () => {
    const model = createModel();
    const before = engine.memory.persistentBytes;
    for await (const { step } of train(model, createCorpus(), ENDLESS)) {
      expect(engine.memory.persistentBytes).toBeGreaterThan(before);
      if (step === 3) break;
    }
    expect(engine.memory.persistentBytes).toBe(before);
    for await (const _ of train(model, createCorpus(), { steps: 2 }));
    expect(engine.memory.persistentBytes).toBe(before);
    const data = {
      stepsPerEpoch: 1,
      trainBatch(): LanguageBatch {
        throw new Error("no data");
      },
      validationBatches: () => [],
    };
    await expect(collect(train(model, data))).rejects.toThrow("no data");
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it("needs no more memory at step 2,000 than at step 10", async () => {
    const model = createModel(8, 0.1);
    const seen = new Map<number, number[]>();
    const options = { steps: 2000, evaluateEvery: 5 };
    for await (const { kind, step } of train(model, createCorpus(2, 5, 0.02), options)) {
      if (kind === "step") seen.set(step, [engine.memory.bytes, engine.memory.persistentBytes]);
    }
    expect(seen.size).toBe(2000);
    expect(seen.get(2000)).toEqual(seen.get(10));
  });
});

describe("numbers that are not finite", () => {
  /** Runs to the error; what the weights were after every step that was reported. */
  async function runToError<B extends Batch>(
    trainer: Trainer<B>,
    model: Module,
  ): Promise<{ error: unknown; weights: unknown }> {
    let weights = stateDict(model);
    try {
      for await (const _ of trainer.run()) weights = stateDict(model);
    } catch (error) {
      return { error, weights };
    }
    throw new Error("the training went through");
  }

  it("stops at a NaN among the weights, naming step and loss", async () => {
    const model = createModel();
    const weights = stateDict(model);
    const data = Float32Array.from(weights.get("decoder.bias")?.data as Float32Array);
    data[3] = Number.NaN;
    const trainer = new Trainer(model, createCorpus(), { steps: 20, evaluateEvery: 0 });
    let last = new Map();
    const run = async (): Promise<void> => {
      for await (const { step } of trainer.run()) {
        if (step === 7) model.decoder.bias?.set(data);
        last = stateDict(model);
      }
    };
    const error = await run().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NumericError);
    expect((error as Error).message).toMatch(/^the loss of step 8 is NaN: training stopped/);
    expect(trainer.step).toBe(7);
    expect(stateDict(model)).toEqual(last);
  });

  it("stops when a learning rate is far too high, with the weights of the step before", async () => {
    const model = createModel();
    const options = {
      ...ENDLESS,
      optimizer: "sgd",
      learningRate: 1e30,
      clip: Number.POSITIVE_INFINITY,
    } as const;
    const trainer = new Trainer(model, createCorpus(), options);
    const { error, weights } = await runToError(trainer, model);
    expect(error).toBeInstanceOf(NumericError);
    expect((error as Error).message).toMatch(new RegExp(`of step ${trainer.step + 1} is (NaN|-?Infinity)`));
    expect(stateDict(model)).toEqual(weights);
  });

  it("stops when the loss is finite and its gradient is not", async () => {
    class Steep extends Module {
      readonly engine = engine;
      readonly weight = new Parameter(engine, [3]);
      loss(_: Batch): { loss: Tensor; count: number } {
        return { loss: sum(scale(scale(this.weight, 1e30), 1e30)), count: 1 };
      }
    }
    const model = new Steep();
    const data = { stepsPerEpoch: 1, trainBatch: () => ({ continues: false }), validationBatches: () => [] };
    const trainer = new Trainer(model, data, { steps: 5 });
    const state = trainer.state();
    const { error } = await runToError(trainer, model);
    expect(error).toBeInstanceOf(NumericError);
    expect((error as Error).message).toMatch(/^the gradient norm of step 1 is Infinity \(its loss: 0\)/);
    expect([...model.weight.toArray()]).toEqual([0, 0, 0]);
    expect(trainer.state()).toEqual(state);
  });
});

describe("options", () => {
  const nan = Number.NaN;
  it.each<[string, unknown]>([
    ["steps", 0],
    ["steps", 1.5],
    ["steps", nan],
    ["epochs", 0],
    ["epochs", -1],
    ["epochs", nan],
    ["optimizer", "adagrad"],
    ["optimizer", "toString"],
    ["learningRate", -1],
    ["learningRate", nan],
    ["momentum", 0.9],
    ["weightDecay", -0.1],
    ["weightDecay", nan],
    ["clip", 0],
    ["clip", nan],
    ["clipValue", 0],
    ["clipValue", -1],
    ["clipValue", nan],
    ["evaluateEvery", -1],
    ["evaluateEvery", nan],
    ["schedule", "linear"],
    ["schedule", "constructor"],
    ["warmup", -1],
    ["warmup", nan],
    ["warmup", 0.1],
    ["warmup", Infinity],
    ["learningRate", Infinity],
    ["finalRate", 1.1],
    ["finalRate", nan],
    ["decay", -0.1],
    ["decay", 2],
    ["decayEvery", 0],
    ["patience", -1],
    ["patience", nan],
    ["threshold", 1],
    ["threshold", -0.1],
  ])("%s: %s is out of range", async (option, value) => {
    const model = createModel(4);
    const before = engine.memory.persistentBytes;
    const schedule = option === "patience" || option === "threshold" ? "plateau" : undefined;
    const run = train(model, createCorpus(), { ...(schedule && { schedule }), [option]: value }).next();
    await expect(run).rejects.toThrow(ConfigError);
    // Epochs of which no step is left are said as steps.
    await expect(run).rejects.toThrow(option === "epochs" && value === 0 ? "steps" : option);
    await expect(run).rejects.toThrow(`got ${option === "momentum" ? '"adam"' : value}`);
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it.each(["sgd", "rmsprop"] as const)("%s takes a momentum in its range alone", async (optimizer) => {
    for (const momentum of [1, -0.1, nan]) {
      const run = train(createModel(4), createCorpus(), { optimizer, momentum }).next();
      await expect(run).rejects.toThrow(ConfigError);
    }
    const options = { optimizer, steps: 2, evaluateEvery: 0 };
    const run = async (momentum: number): Promise<ReturnType<typeof stateDict>> => {
      engine.random.state = { seed: 1, block: 0 };
      const model = createModel(4);
      for await (const _ of train(model, createCorpus(), { ...options, momentum }));
      return stateDict(model);
    };
    expect(await run(0.9)).not.toEqual(await run(0));
  });
});

describe("evaluate", () => {
  /** All of the batches as one: batches are time-major, so that one behind the other is right. */
  function inOneGo(batches: readonly LanguageBatch[]): LanguageBatch {
    const join = (name: "inputs" | "targets"): Int32Array =>
      Int32Array.from(batches.flatMap((batch) => [...batch[name]]));
    const steps = batches.reduce((total, batch) => total + batch.steps, 0);
    return { ...batches[0], inputs: join("inputs"), targets: join("targets"), steps };
  }

  it.each([
    { length: 100, batchSize: 1, sequenceLength: 7 },
    { length: 101, batchSize: 3, sequenceLength: 7 },
    { length: 2, batchSize: 4, sequenceLength: 50 },
  ])("weighs a last batch that is smaller: %o", async ({ length, ...options }) => {
    const model = createModel(16, 0.5);
    const batches = [...evaluationBatches(ids.subarray(0, length), options)];
    const result = await evaluate(model, batches);
    const whole = inOneGo(batches);
    model.eval();
    const { loss, count } = engine.infer(() => {
      const { loss, count } = model.loss(whole, []);
      return { loss: loss.item(), count };
    });
    expect(count).toBe(length - 1);
    expect(result?.count).toBe(count);
    expectClose([result?.loss as number], [loss], 1e-6, "loss");
  });

  it("leaves memory, random stream and training mode as they were", async () => {
    const model = createModel(16, 0.5);
    const before = [engine.memory.persistentBytes, engine.random.state];
    await evaluate(model, createCorpus().validationBatches());
    expect([engine.memory.persistentBytes, engine.random.state]).toEqual(before);
    expect(model.training).toBe(true);
  });
});

describe("schedules", () => {
  it("constant: the same rate, after a warm-up that rises in equal parts", () => {
    const rate = createSchedule(engine, 10, { schedule: "constant", learningRate: 0.8, warmup: 4 });
    expectClose(
      Array.from({ length: 10 }, (_, step) => rate(step)),
      [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8],
      1e-12,
    );
  });

  it("cosine: from the full rate down to finalRate", () => {
    const rate = createSchedule(engine, 100, { schedule: "cosine", learningRate: 2, finalRate: 0.1 });
    const expected = (step: number): number => 2 * (0.1 + 0.45 * (1 + Math.cos((Math.PI * step) / 100)));
    expect(rate(0)).toBe(2);
    for (const step of [1, 25, 50, 75, 99]) expectClose([rate(step)], [expected(step)], 1e-6);
    expect(rate(100)).toBeCloseTo(0.2, 12);
    expect(rate(1000)).toBe(rate(100));
  });

  it("cosine: begins when the warm-up is over", () => {
    const rate = createSchedule(engine, 110, { schedule: "cosine", learningRate: 1, warmup: 10 });
    expect([rate(0), rate(4), rate(9), rate(10)]).toEqual([0.1, 0.5, 1, 1]);
    expect(rate(60)).toBeCloseTo(0.5, 6);
    expect(rate(109)).toBeLessThan(1e-3);
    expect(rate(109)).toBeGreaterThan(0);
  });

  it("step: falls by a factor every so many steps", () => {
    const rate = createSchedule(engine, 40, {
      schedule: "step",
      learningRate: 1,
      decay: 0.1,
      decayEvery: 10,
    });
    expectClose([0, 9, 10, 19, 20, 39].map(rate), [1, 1, 0.1, 0.1, 0.01, 0.001], 1e-12);
    const byDefault = createSchedule(engine, 40, { schedule: "step", learningRate: 1 });
    expect([0, 3, 4, 8].map(byDefault)).toEqual([1, 1, 0.5, 0.25]);
  });

  it("plateau: falls when the loss has not, as often as patience says", () => {
    const factors = (losses: number[], options: ConstructorParameters<typeof Plateau>[0]): number[] => {
      const plateau = new Plateau(options);
      return losses.map((loss) => {
        plateau.observe(loss);
        return plateau.state.factor;
      });
    };
    const losses = [5, 4, 4, 4.5, 4, 3, 3, 3, 3];
    expect(factors(losses, { decay: 0.5, patience: 1 })).toEqual([1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]);
    expect(factors(losses, { decay: 0.5, patience: 0 })).toEqual([
      1, 1, 0.5, 0.25, 0.125, 0.125, 0.0625, 0.03125, 0.015625,
    ]);
    expect(factors(new Array(12).fill(1), {})).toEqual([...new Array(11).fill(1), 0.1]);
    // A gain of one in a hundred counts or does not.
    const slow = [100, 99, 98.01];
    expect(factors(slow, { decay: 0.5, patience: 0, threshold: 0.02 })).toEqual([1, 0.5, 0.25]);
    expect(factors(slow, { decay: 0.5, patience: 0, threshold: 0.005 })).toEqual([1, 1, 1]);
    expect(factors([Number.NaN, 2, Number.NaN, Number.POSITIVE_INFINITY, 1], { patience: 1 })).toEqual([
      1, 1, 1, 0.1, 0.1,
    ]);
  });

  it("plateau: a training run's rate follows its validation losses", async () => {
    const options = { schedule: "plateau", learningRate: 1, clip: 1e-9, evaluateEvery: 2 } as const;
    const settings = { ...options, steps: 9, patience: 0, decay: 0.5, warmup: 2, threshold: 0.1 };
    const reports = await collect(train(createModel(), createCorpus(), { ...settings, optimizer: "sgd" }));
    const rates = reports.flatMap((report) => (report.kind === "step" ? [report.learningRate] : []));
    // Clipped to nothing, the weights stand still: every evaluation after the first is a disappointment.
    expect(rates).toEqual([0.5, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]);
  });

  it("plateau: needs evaluations, and something held out for them", async () => {
    const options = { schedule: "plateau", steps: 2, evaluateEvery: 1 } as const;
    const never = train(createModel(4), createCorpus(), { ...options, evaluateEvery: 0 });
    await expect(collect(never)).rejects.toThrow('the schedule "plateau" needs evaluations');
    // Before the first step, not at the first evaluation.
    const nothing = train(createModel(4), createCorpus(4, 9, 0), options).next();
    await expect(nothing).rejects.toThrow(ConfigError);
    await expect(nothing).rejects.toThrow("needs held-out data");
  });

  it("is what a training run uses", async () => {
    const options = { steps: 6, learningRate: 0.01, warmup: 2, finalRate: 0.5, evaluateEvery: 0 };
    const rate = createSchedule(engine, 6, { schedule: "cosine", ...options });
    const reports = await collect(train(createModel(), createCorpus(), options));
    const rates = reports.map((report) => (report.kind === "step" ? report.learningRate : Number.NaN));
    expect(rates).toEqual([0, 1, 2, 3, 4, 5].map(rate));
  });
});

describe("RMSProp", () => {
  it.each([{}, { alpha: 0.5 }, { epsilon: 0.25 }, { momentum: 0.75 }, { weightDecay: 0.5 }])(
    "takes %o",
    (options) => {
      const parameter = new Parameter(engine, [3]);
      parameter.set([1, -2, 3]);
      const optimizer = new RMSProp([parameter], { learningRate: 0.125, ...options });
      const expected = Float32Array.of(1, -2, 3);
      const [average, buffer] = [new Float32Array(3), new Float32Array(3)];
      for (const gradient of [
        [0.5, 1, -1],
        [2, 0, 0.25],
      ]) {
        parameter.gradient.set(gradient);
        optimizer.step();
        rmsprop(expected, Float32Array.from(gradient), average, buffer, { learningRate: 0.125, ...options });
      }
      expectClose(parameter.toArray(), expected, 1e-6);
      optimizer.free();
      parameter.free();
    },
  );

  it.each([
    ["alpha", 1],
    ["alpha", -0.1],
    ["epsilon", -1],
    ["momentum", 1],
    ["weightDecay", -1],
  ])("refuses %s %s", (option, value) => {
    const parameter = new Parameter(engine, [1]);
    const make = () => new RMSProp([parameter], { learningRate: 1, [option]: value });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(option);
    parameter.free();
  });
});

describe("clipping", () => {
  it("limits the elements, or the norm of all of them", () => {
    const [a, b] = [new Parameter(engine, [3]), new Parameter(engine, [1, 2])];
    a.gradient.set([-3, 0.25, 2]);
    b.gradient.set([0, 6]);
    expect(gradientNorm([a, b])).toBeCloseTo(Math.sqrt(9 + 0.0625 + 4 + 36), 12);
    clipByValue([a, b], 0.5);
    expect([...a.gradient.toArray()]).toEqual([-0.5, 0.25, 0.5]);
    expect([...b.gradient.toArray()]).toEqual([0, 0.5]);
    expect([
      clipScale(4, 1),
      clipScale(1, 1),
      clipScale(0, 1),
      clipScale(9, Number.POSITIVE_INFINITY),
    ]).toEqual([0.25, 1, 1, 1]);
  });

  it("by value comes before the norm that is reported", async () => {
    const model = createModel();
    const [report] = await collect(train(model, createCorpus(), { steps: 1, clipValue: 1e-4 }));
    if (report.kind !== "step") throw new Error("expected a step");
    expect(report.gradientNorm).toBeGreaterThan(0);
    expect(report.gradientNorm).toBeLessThanOrEqual(1e-4 * Math.sqrt(model.parameterCount));
  });
});
