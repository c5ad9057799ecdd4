/*
 * A model of one's own: a recurrent cell written from tensor operations, on data that is no text. It reads six
 * symbols and must then say which one came first, which a network can only do by remembering.
 */
import { expect, it } from "vitest";
import {
  add,
  type Batch,
  concat,
  createEngine,
  crossEntropy,
  type DataSource,
  Dropout,
  type Engine,
  embedding,
  evaluate,
  Linear,
  linear,
  Module,
  matmul,
  mul,
  Parameter,
  reshape,
  scale,
  sigmoid,
  slice,
  softmax,
  type Tensor,
  tanh,
  train,
} from "../../src/index.ts";

const SYMBOLS = 4;
const LENGTH = 6;
const BATCH = 16;
const UNITS = 12;

/** What the data give to the model. Only `continues` is asked for by the library; the rest is between the two. */
interface Recall extends Batch {
  /** [LENGTH, BATCH], time-major: step t of sequence b is at t · BATCH + b. */
  symbols: Int32Array;
  /** [BATCH] */
  first: Int32Array;
}

/** A batch is a function of the step's number alone, so that a resumed run gets the same ones. */
class RecallData implements DataSource<Recall> {
  readonly stepsPerEpoch = 50;

  trainBatch(step: number): Recall {
    const symbols = Int32Array.from({ length: LENGTH * BATCH }, (_, i) => mix(step, i) % SYMBOLS);
    // Each batch is a problem of its own: nothing is carried from one to the next.
    return { symbols, first: symbols.slice(0, BATCH), continues: false };
  }

  *validationBatches(): Generator<Recall> {
    for (let i = 1; i <= 4; i++) yield this.trainBatch(1_000_000 + i);
  }
}

/** A number that looks random and depends on both of its arguments. */
function mix(a: number, b: number): number {
  let x = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  return (x ^ (x >>> 13)) >>> 8;
}

/**
 * h_t = z⊙h_{t−1} + (1 − z)⊙n with gates z, r = σ(W[x, h] + b) and n = tanh(V x + (r⊙h)·U).
 * Parameters and modules are found by the names of their properties.
 */
class RecallModel extends Module {
  readonly engine: Engine;
  /** [SYMBOLS, SYMBOLS]: starts as one-hot vectors. A Parameter is zeros until it is set. */
  readonly table: Parameter;
  readonly gates: Linear;
  readonly candidate: Linear;
  /** U: [UNITS, UNITS], starts as the identity. */
  readonly recurrent: Parameter;
  readonly dropout = new Dropout(0.1);
  /** [SYMBOLS, UNITS] and [SYMBOLS]: an output layer may start from zeros. */
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(engine: Engine) {
    super();
    this.engine = engine;
    this.table = new Parameter(engine, [SYMBOLS, SYMBOLS]);
    this.table.set(identity(SYMBOLS));
    this.gates = new Linear(engine, { inputSize: SYMBOLS + UNITS, outputSize: 2 * UNITS });
    this.candidate = new Linear(engine, { inputSize: SYMBOLS, outputSize: UNITS, bias: false });
    this.recurrent = new Parameter(engine, [UNITS, UNITS]);
    this.recurrent.set(identity(UNITS));
    this.weight = new Parameter(engine, [SYMBOLS, UNITS]);
    this.bias = new Parameter(engine, [SYMBOLS]);
  }

  /** symbols [LENGTH, BATCH] → logits [BATCH, SYMBOLS]. Call it inside engine.step or engine.infer. */
  forward(symbols: Tensor): Tensor {
    const [length, batch] = symbols.shape;
    const embedded = embedding(this.table, symbols);
    let h = this.engine.zeros([batch, UNITS]);
    for (let t = 0; t < length; t++) {
      const x = reshape(slice(embedded, 0, t, t + 1), [batch, SYMBOLS]);
      const gates = this.gates.forward(concat([x, h], 1));
      const z = slice(gates, 1, 0, UNITS);
      const r = sigmoid(slice(gates, 1, UNITS, 2 * UNITS));
      const n = tanh(add(this.candidate.forward(x), matmul(mul(r, h), this.recurrent)));
      // 1 − σ(z) is σ(−z).
      h = add(mul(sigmoid(z), h), mul(sigmoid(scale(z, -1)), n));
    }
    return linear(this.dropout.forward(h), this.weight, this.bias);
  }

  /** What {@link train} and {@link evaluate} call. */
  loss(batch: Recall): { loss: Tensor; count: number } {
    const logits = this.forward(this.engine.ids(batch.symbols, [LENGTH, BATCH]));
    return { loss: crossEntropy(logits, this.engine.ids(batch.first, [BATCH])), count: BATCH };
  }

  /** The probabilities [BATCH, SYMBOLS] of each symbol having come first. */
  predict(symbols: Int32Array): Float32Array {
    return this.engine.infer(() => {
      const logits = this.forward(this.engine.ids(symbols, [LENGTH, BATCH]));
      return softmax(logits).toArray() as Float32Array;
    });
  }
}

function identity(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}

it("trains a model that a user wrote from tensor operations", async () => {
  const engine = await createEngine({ seed: 1, numerics: "reproducible" });
  const model = new RecallModel(engine);
  const data = new RecallData();
  expect(Array.from(model.namedParameters(), ([name]) => name)).toEqual([
    "table",
    "gates.weight",
    "gates.bias",
    "candidate.weight",
    "recurrent",
    "weight",
    "bias",
  ]);

  const losses: number[] = [];
  for await (const report of train(model, data, { steps: 400, learningRate: 1e-2 })) {
    if (report.kind === "step") losses.push(report.loss);
  }

  // All symbols are equally likely at first.
  expect(losses[0]).toBeCloseTo(Math.log(SYMBOLS), 5);
  expect(losses.length).toBe(400);
  const result = await evaluate(model, data.validationBatches());
  expect(result?.count).toBe(4 * BATCH);
  expect(result?.loss).toBeLessThan(0.1);

  model.eval();
  const { symbols, first } = data.trainBatch(5_000_000);
  const probabilities = model.predict(symbols);
  for (const [b, symbol] of first.entries()) expect(probabilities[b * SYMBOLS + symbol]).toBeGreaterThan(0.5);
  engine.close();
});
