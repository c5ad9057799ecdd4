import { describe, expect, it } from "vitest";
import {
  CharacterTokenizer,
  Corpus,
  type Engine,
  type LanguageBatch,
  LanguageModel,
  loadLanguageModel,
  type SafeTensor,
  saveLanguageModel,
  stateDict,
  Trainer,
} from "../../src/index.ts";
import type { TrainOptions, TrainState } from "../../src/train/train.ts";
import { expectSameBits } from "../helpers/close.ts";
import { type CreateEngine, forEachBuild } from "../helpers/engines.ts";

const TEXT = "It was the best of times, it was the worst of times, it was the age of wisdom. ".repeat(20);
const tokenizer = CharacterTokenizer.train(TEXT);
const STEPS = 200;
const HALF = 100;
/** Warm-up and cosine, so that the rate is another at every step; evaluations, so that they are seen to leave no trace. */
const OPTIONS: TrainOptions = { steps: STEPS, learningRate: 1e-2, warmup: 20, evaluateEvery: 30, clip: 0.5 };

interface Moment {
  losses: number[];
  weights: ReturnType<typeof stateDict>;
  state: TrainState;
}

function createCorpus(): Corpus {
  const corpus = new Corpus(tokenizer.encode(TEXT), { batchSize: 4, sequenceLength: 8 });
  // The run must be cut in the middle of an epoch, where the carried state counts.
  expect(HALF % corpus.stepsPerEpoch).not.toBe(0);
  expect(HALF).toBeGreaterThan(corpus.stepsPerEpoch);
  return corpus;
}

function createModel(engine: Engine, cell: "lstm" | "gru"): LanguageModel {
  const { vocabSize } = tokenizer;
  const config = { cell, vocabSize, embeddingSize: 10, hiddenSize: 18, numLayers: 2, dropout: 0.2 };
  return new LanguageModel(engine, config, tokenizer);
}

/** Trains until `until` steps are done. */
async function advance(
  model: LanguageModel,
  trainer: Trainer<LanguageBatch>,
  until: number,
): Promise<Moment> {
  const losses: number[] = [];
  for await (const report of trainer.run()) {
    if (report.kind !== "step") continue;
    losses.push(report.loss);
    if (report.step === until) break;
  }
  return { losses, weights: stateDict(model), state: trainer.state() };
}

async function straight(
  create: CreateEngine,
  cell: "lstm" | "gru",
  seed: number,
  steps = STEPS,
  options = OPTIONS,
): Promise<Moment> {
  const engine = await create({ seed });
  const model = createModel(engine, cell);
  const moment = await advance(model, new Trainer(model, createCorpus(), options), steps);
  engine.close();
  return moment;
}

/** The same run, stopped half-way, written to bytes, and continued in another engine. */
async function interrupted(
  create: CreateEngine,
  cell: "lstm" | "gru",
  seed: number,
  options = OPTIONS,
): Promise<Moment> {
  const first = await create({ seed });
  const model = createModel(first, cell);
  const before = await advance(model, new Trainer(model, createCorpus(), options), HALF);
  const { tensors, numbers } = before.state;
  const bytes = saveLanguageModel(model, { tensors, metadata: { training: JSON.stringify(numbers) } });
  first.close();

  const second = await create({ seed: seed + 1 });
  const { model: loaded, extras } = loadLanguageModel(second, bytes);
  const trainer = new Trainer(loaded, createCorpus(), options);
  trainer.restore({ tensors: new Map(extras.tensors), numbers: JSON.parse(extras.metadata.training) });
  expect(trainer.step).toBe(HALF);
  const after = await advance(loaded, trainer, STEPS);
  second.close();
  return { ...after, losses: [...before.losses, ...after.losses] };
}

function expectSame(actual: Moment, expected: Moment): void {
  expect(actual.losses).toEqual(expected.losses);
  expect(actual.state.numbers).toEqual(expected.state.numbers);
  for (const part of [(moment: Moment) => moment.weights, (moment: Moment) => moment.state.tensors]) {
    expect([...part(actual).keys()]).toEqual([...part(expected).keys()]);
    for (const [name, { data }] of part(expected)) {
      expectSameBits(part(actual).get(name)?.data as Float32Array, data as Float32Array, name);
    }
  }
}

forEachBuild((_, create) => {
  describe.each(["lstm", "gru"] as const)("%s", (cell) => {
    it("continues from a file bit for bit as if it had not stopped", async () => {
      const whole = await straight(create, cell, 1);
      expect(whole.losses.length).toBe(STEPS);
      // Both moments of Adam for every parameter, and h (and c).
      expect(whole.state.tensors.size).toBe(2 * whole.weights.size + (cell === "lstm" ? 2 : 1));
      expect(whole.state.numbers.random.block).toBeGreaterThan(STEPS);
      expectSame(await interrupted(create, cell, 1), whole);
    });

    it("continues a plateau schedule and RMSProp, also between a step and its evaluation", async () => {
      // An evaluation is due after step 100, where the run is cut before it.
      const options: TrainOptions = {
        steps: STEPS,
        optimizer: "rmsprop",
        momentum: 0.5,
        learningRate: 2e-2,
        schedule: "plateau",
        patience: 0,
        decay: 0.5,
        threshold: 0.2,
        evaluateEvery: 20,
      };
      const whole = await straight(create, cell, 1, STEPS, options);
      const { factor } = whole.state.numbers.plateau!;
      expect(factor).toBeGreaterThan(0);
      expect(factor).toBeLessThan(0.5);
      expectSame(await interrupted(create, cell, 1, options), whole);
    });

    it("gives the same bits for the same seed, others for another", async () => {
      const [a, b, c] = [
        await straight(create, cell, 7, 20),
        await straight(create, cell, 7, 20),
        await straight(create, cell, 8, 20),
      ];
      expectSame(b, a);
      expect(c.losses).not.toEqual(a.losses);
      expect(c.weights.get("rnn.weight_hh_l1")).not.toEqual(a.weights.get("rnn.weight_hh_l1"));
    });
  });

  it("refuses a state that does not fit, and changes nothing", async () => {
    const engine = await create();
    const model = createModel(engine, "lstm");
    const trainer = new Trainer(model, createCorpus(), OPTIONS);
    const { state } = await advance(model, trainer, 5);
    const missing = new Map(state.tensors);
    missing.delete("optimizer.exp_avg_sq.decoder.bias");
    const misshaped = new Map(state.tensors);
    misshaped.set("carried.1", { dtype: "F32", shape: [1], data: new Float32Array(1) });
    const short = new Map(state.tensors);
    short.set("carried.1", { ...state.tensors.get("carried.1")!, data: new Float32Array(1) } as SafeTensor);
    const other = new Map(state.tensors);
    other.set("optimizer.momentum_buffer.decoder.bias", state.tensors.get("carried.1")!);
    for (const tensors of [missing, misshaped, short, other]) {
      const fresh = new Trainer(model, createCorpus(), OPTIONS);
      const before = fresh.state();
      expect(() => fresh.restore({ tensors, numbers: state.numbers })).toThrow(
        /^checkpoint: (optimizer|carried)\./,
      );
      expect(fresh.state()).toEqual(before);
      fresh.free();
    }
    for (const broken of [
      { evaluated: -1 },
      { evaluated: undefined },
      { plateau: null },
      { plateau: { factor: 2, best: 1, waited: 0 } },
      { plateau: { factor: 1, best: "1", waited: 0 } },
      { plateau: { factor: 1, best: 1, waited: 0.5 } },
    ]) {
      const numbers = { ...state.numbers, ...broken } as TrainState["numbers"];
      const fresh = new Trainer(model, createCorpus(), OPTIONS);
      expect(() => fresh.restore({ ...state, numbers })).toThrow(
        "checkpoint: expected step, random, carried",
      );
      fresh.free();
    }
    const fewer = new Trainer(model, createCorpus(), { ...OPTIONS, steps: 4 });
    expect(() => fewer.restore(state)).toThrow(
      "the checkpoint is at step 5, but only 4 steps were asked for",
    );
    engine.close();
  });
});
