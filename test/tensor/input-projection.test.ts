import { beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { EngineError, ShapeError } from "../../src/errors.ts";
import { Embedding, GRU, LSTM, RNN } from "../../src/nn/index.ts";
import type { Lookup } from "../../src/tensor/embedding.ts";
import { add, mul, sum } from "../../src/tensor/ops.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { expectClose, expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { random, randomIds } from "../helpers/random.ts";

const STEPS = 7;
const BATCH = 5;
const VOCABULARY = 6;
const SIZES = { inputSize: 3, hiddenSize: 9 };
const read = (tensor: Tensor): Float32Array => tensor.toArray() as Float32Array;

const LAYERS: Record<string, (engine: Engine) => RNN | LSTM | GRU> = {
  rnn: (engine) => new RNN(engine, { ...SIZES, numLayers: 2 }),
  "rnn without biases": (engine) => new RNN(engine, { ...SIZES, bias: false }),
  lstm: (engine) => new LSTM(engine, SIZES),
  "lstm in both directions, with a projection": (engine) =>
    new LSTM(engine, { ...SIZES, projSize: 4, bidirectional: true }),
  gru: (engine) => new GRU(engine, SIZES),
  "gru in both directions, reset gate first": (engine) =>
    new GRU(engine, { ...SIZES, resetAfter: false, bidirectional: true }),
};

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1 });
  });

  /** Output, states and all gradients, from a loss that weighs everything. */
  function train(
    embedding: Embedding,
    layer: RNN | LSTM | GRU,
    inputOf: (ids: Tensor) => Tensor | Lookup,
    ids: Int32Array,
    lengths?: number[],
  ): Float32Array[] {
    embedding.zeroGradients();
    layer.zeroGradients();
    return engine.step(() => {
      const input = inputOf(engine.ids(ids, [ids.length / BATCH, BATCH]));
      const { output, state } = layer.forward(input, undefined, { lengths });
      const results = [output, ...Object.values<Tensor>({ ...state })];
      const weigh = (y: Tensor): Tensor => sum(mul(y, engine.tensor(random(y.size, 50), y.shape)));
      results.map(weigh).reduce(add).backward();
      const parameters = [...embedding.parameters(), ...layer.parameters()];
      return [...results.map(read), ...parameters.map(({ gradient }) => read(gradient))];
    });
  }

  describe.each(Object.entries(LAYERS))("%s", (_name, make) => {
    // Many tokens a row, so that the table is projected; and as few as make each token be projected itself.
    it.each([
      ["a small table", STEPS, undefined],
      ["a table as large as the batch", 1, undefined],
      ["rows of several lengths", STEPS, [3, 7, 0, 5, 7]],
    ])("makes of ids what it makes of their vectors: %s", (_case, steps, lengths) => {
      const embedding = new Embedding(engine, { vocabSize: VOCABULARY, embeddingSize: SIZES.inputSize });
      const layer = make(engine);
      const ids = randomIds(steps * BATCH, 3, VOCABULARY);
      const looked = train(embedding, layer, (ids) => embedding.lookup(ids), ids, lengths);
      const made = train(embedding, layer, (ids) => embedding.forward(ids), ids, lengths);
      expect(looked.length).toBe(made.length);
      for (const [i, values] of looked.entries()) expectClose(values, made[i], 1e-5);
      embedding.free();
      layer.free();
    });

    it("keeps projected rows for inference, with the same bits, and no longer than what they are made of", () => {
      const before = engine.memory.persistentBytes;
      const embedding = new Embedding(engine, { vocabSize: VOCABULARY, embeddingSize: SIZES.inputSize });
      const layer = make(engine);
      const ids = Int32Array.of(4);
      const infer = (): Float32Array =>
        engine.infer(() => read(layer.forward(embedding.lookup(engine.ids(ids, [1, 1]))).output));
      const direct = (): Float32Array =>
        engine.infer(() => read(layer.forward(embedding.forward(engine.ids(ids, [1, 1]))).output));
      for (const changed of [undefined, ...embedding.parameters(), ...layer.parameters()]) {
        if (changed) changed.set(random(changed.size, 8));
        // Panels of the weights are kept too: only what follows them counts.
        for (let i = 0; i < 3; i++) direct();
        const without = engine.memory.persistentBytes;
        const expected = direct();
        for (let i = 0; i < 4; i++) expectSameBits(infer(), expected, changed?.name);
        if (!changed) expect(engine.memory.persistentBytes).toBeGreaterThan(without);
      }
      embedding.free();
      layer.free();
      expect(engine.memory.persistentBytes).toBe(before);
    });
  });

  it("checks ids when they are read", () => {
    const embedding = new Embedding(engine, { vocabSize: VOCABULARY, embeddingSize: SIZES.inputSize });
    const layer = LAYERS.lstm(engine);
    const ids = engine.ids(new Int32Array(STEPS * BATCH), [STEPS, BATCH]);
    const lookup = embedding.lookup(ids);
    const read = () => engine.step(() => void layer.forward(lookup));
    read();
    ids.set(new Int32Array(STEPS * BATCH).fill(VOCABULARY));
    expect(read).toThrow(/from 0 to 5, got 6/);
    const stale = engine.infer(() => embedding.lookup(engine.ids([1], [1, 1])));
    expect(() => engine.infer(() => layer.forward(stale))).toThrow(/used after its step ended/);
    ids.free();
    expect(read).toThrow(/freed/);
    embedding.free();
    layer.free();
  });

  it("reads no other engine's table", async () => {
    const other = await createEngine({ threads: 1 });
    const embedding = new Embedding(other, { vocabSize: VOCABULARY, embeddingSize: SIZES.inputSize });
    const layer = LAYERS.lstm(engine);
    const read = () =>
      other.infer(() => {
        const lookup = embedding.lookup(other.ids([1], [1, 1]));
        return engine.infer(() => layer.forward(lookup));
      });
    for (let i = 0; i < 4; i++) expect(read).toThrow(/belongs to another engine/);
    other.close();
    layer.free();
  });

  it("keeps nothing that could not be made", () => {
    const embedding = new Embedding(engine, { vocabSize: VOCABULARY, embeddingSize: SIZES.inputSize });
    const layer = LAYERS.gru(engine);
    const infer = () =>
      engine.infer(() => read(layer.forward(embedding.lookup(engine.ids([2], [1, 1]))).output));
    const expected = infer();
    const before = engine.memory.persistentBytes;
    const { run } = engine;
    engine.infer(() => {
      layer.forward(embedding.lookup(engine.ids([2], [1, 1])));
      // What is kept is made when the step ends.
      engine.run = () => {
        throw new EngineError("a thread died");
      };
    });
    engine.run = run;
    expect(engine.memory.persistentBytes).toBe(before);
    for (let i = 0; i < 3; i++) expectSameBits(infer(), expected);
    embedding.free();
    layer.free();
  });

  it("checks shapes", () => {
    const embedding = new Embedding(engine, { vocabSize: VOCABULARY, embeddingSize: SIZES.inputSize });
    const layer = LAYERS.lstm(engine);
    const other = new Embedding(engine, { vocabSize: VOCABULARY, embeddingSize: 4 });
    engine.infer(() => {
      const ids = (values: number[], shape: number[]): Tensor => engine.ids(values, shape);
      expect(() => embedding.lookup(engine.tensor([1], [1, 1]))).toThrow(ShapeError);
      expect(() => layer.forward(embedding.lookup(ids([1, 2], [2])))).toThrow(
        /lstm, ids: expected the shape \[T, B\]/,
      );
      expect(() => layer.forward(other.lookup(ids([1], [1, 1])))).toThrow(
        /lstm, table: expected the shape \[V, 3\]/,
      );
    });
  });
});
