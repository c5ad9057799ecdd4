/** What a model carries from batch to batch: of any number, size and type, and how it is kept and given back. */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  add,
  type Batch,
  createEngine,
  type DataSource,
  Dropout,
  type Engine,
  evaluate,
  Module,
  mul,
  Parameter,
  sum,
  type Tensor,
  Trainer,
} from "../../src/index.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", threads: 1 });
});
afterAll(() => engine.close());

interface Numbered extends Batch {
  step: number;
}

const data: DataSource<Numbered> = {
  stepsPerEpoch: 100,
  trainBatch: (step) => ({ step, continues: step > 0 }),
  *validationBatches() {
    for (let step = 0; step < 6; step++) yield this.trainBatch(step);
  },
};

/** Carries ids, and a list of tensors that grows and shrinks with the step. */
class Carrier extends Module {
  readonly engine: Engine;
  readonly weight: Parameter;
  readonly dropout = new Dropout(0.5);
  readonly modes: boolean[] = [];
  readonly seen: number[][] = [];

  constructor(engine: Engine) {
    super();
    this.engine = engine;
    this.weight = new Parameter(engine, [2]);
    this.weight.set([1, 2]);
  }

  loss({ step }: Numbered, carried: readonly Tensor[]): { loss: Tensor; count: number; carried: Tensor[] } {
    this.modes.push(this.dropout.training);
    const [ids, ...rest] = carried;
    this.seen.push([...(ids?.toArray() ?? []), ...rest.flatMap((tensor) => [...tensor.toArray()])]);
    const count = [3, 1, 0, 2][step % 4];
    const more = Array.from({ length: count }, (_, i) => this.engine.tensor([step + i], [1]));
    return {
      loss: sum(mul(this.weight, add(this.weight, this.weight))),
      count: 1,
      carried: [this.engine.ids([step, step], [2]), ...more],
    };
  }
}

async function advance(trainer: Trainer<Numbered>, until: number): Promise<void> {
  for await (const report of trainer.run()) if (report.kind === "step" && report.step === until) return;
}

it("gives back what is not carried on", async () => {
  const model = new Carrier(engine);
  const trainer = new Trainer(model, data, { steps: 100, evaluateEvery: 0 });
  await advance(trainer, 4);
  const { persistentBytes } = engine.memory;
  await advance(trainer, 40);
  expect(engine.memory.persistentBytes).toBe(persistentBytes);
  await evaluate(model, data.validationBatches());
  expect(engine.memory.persistentBytes).toBe(persistentBytes);
  trainer.free();
  model.free();
});

it("goes on from a state with ids and numbers as they were", async () => {
  const runs = [0, 1].map(() => new Carrier(engine));
  const trainers = runs.map((model) => new Trainer(model, data, { steps: 100, evaluateEvery: 0 }));
  await advance(trainers[0], 4);
  trainers[1].restore(trainers[0].state());
  await advance(trainers[0], 9);
  await advance(trainers[1], 9);
  expect(runs[1].seen).toEqual(runs[0].seen.slice(4));
  expect(runs[1].seen[0]).toEqual([3, 3, 3, 4]);
  for (const one of [...trainers, ...runs]) one.free();
});

it("evaluates without dropout, and is in its own mode while it waits", async () => {
  const model = new Carrier(engine);
  const between: boolean[] = [];
  const batches = {
    *[Symbol.iterator]() {
      for (const batch of data.validationBatches()) {
        between.push(model.dropout.training);
        yield batch;
      }
    },
  };
  await evaluate(model, batches);
  expect(model.modes).toEqual(Array(6).fill(false));
  expect(between).toEqual(Array(6).fill(true));
  model.free();
});
