import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { CONTROL } from "../../src/engine/worker.ts";
import { EngineError } from "../../src/errors.ts";
import { Dropout, Embedding, GRU, LayerNorm, Linear, LSTM, Module, RNN } from "../../src/nn/index.ts";
import { matmul } from "../../src/tensor/matmul.ts";
import { concat, crossEntropy, mean, mul, softmax, tanh } from "../../src/tensor/ops.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { clipByValue, clipScale, gradientNorm } from "../../src/train/clip.ts";
import { Adam } from "../../src/train/optimizers.ts";
import { expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { random } from "../helpers/random.ts";
import { startThreads } from "../helpers/threads.ts";

const STEPS = 11;
const VOCABULARY = 19;

/** Layers of every kind behind each other. */
class Everything extends Module {
  readonly embedding: Embedding;
  readonly lstm: LSTM;
  readonly norm: LayerNorm;
  readonly dropout = new Dropout(0.25);
  readonly gru: GRU;
  readonly before: GRU;
  readonly rnn: RNN;
  readonly output: Linear;

  constructor(engine: Engine) {
    super();
    this.embedding = new Embedding(engine, { vocabSize: VOCABULARY, embeddingSize: 37 });
    const both = { numLayers: 2, bidirectional: true, dropout: 0.1, projSize: 21 };
    this.lstm = new LSTM(engine, { inputSize: 37, hiddenSize: 33, ...both });
    this.norm = new LayerNorm(engine, { size: 42 });
    this.gru = new GRU(engine, { inputSize: 42, hiddenSize: 35, bidirectional: true });
    this.before = new GRU(engine, { inputSize: 70, hiddenSize: 20, resetAfter: false });
    this.rnn = new RNN(engine, { inputSize: 20, hiddenSize: 41 });
    this.output = new Linear(engine, { inputSize: 41, outputSize: VOCABULARY });
  }

  forward(ids: Tensor, lengths: Int32Array | undefined): Tensor {
    const x = this.lstm.forward(this.embedding.forward(ids), undefined, { lengths }).output;
    const y = this.gru.forward(this.dropout.forward(this.norm.forward(x)), undefined, { lengths }).output;
    const z = this.rnn.forward(this.before.forward(y, undefined, { lengths }).output).output;
    return this.output.forward(tanh(z));
  }
}

/** All parameters and gradients after three training steps, from the first to the last in one array. */
function train(engine: Engine, batch: number, ragged: boolean): Float32Array {
  const model = new Everything(engine);
  const parameters = model.parameters();
  const optimizer = new Adam(parameters, { learningRate: 1e-2 });
  const token = (_: unknown, i: number) => (i * i + 3) % VOCABULARY;
  const text = Int32Array.from({ length: STEPS * batch + 1 }, token);
  const lengths = ragged
    ? Int32Array.from({ length: batch }, (_, row) => 1 + ((row * 7) % STEPS))
    : undefined;
  for (let step = 0; step < 3; step++) {
    engine.step(() => {
      // All that follows lies in memory that was not there when the threads started.
      engine.empty([engine.memory.bytes >> 2], "f32", "filler");
      model.zeroGradients();
      const logits = model.forward(engine.ids(text.subarray(0, -1), [STEPS, batch]), lengths);
      const rest = mean(mul(softmax(logits), concat([logits, logits], 0).view(logits.shape)));
      crossEntropy(logits, engine.ids(text.subarray(1), [STEPS, batch])).backward();
      expect(rest.item()).not.toBeNaN();
      clipByValue(parameters, 0.05);
      optimizer.step(clipScale(gradientNorm(parameters), 1));
    });
  }
  const values = parameters.flatMap((parameter) => [parameter.toArray(), parameter.gradient.toArray()]);
  return Float32Array.from(values.flatMap((array) => [...array]));
}

const engines: Engine[] = [];
async function open(options: Parameters<typeof createEngine>[0]): Promise<Engine> {
  const engine = await createEngine({ numerics: "reproducible", ...options });
  engines.push(engine);
  return engine;
}
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
});

forEachBuild((_, createEngine) => {
  const batches = [1, 5, 17].flatMap((batch) => [false, true].map((ragged) => ({ batch, ragged })));
  it.each(batches)(
    "any number of threads gives the same bits: batch $batch, ragged $ragged",
    async (form) => {
      const results = new Map<number, Float32Array>();
      for (const threads of [1, 2, 3, 4, 7]) {
        const engine = await createEngine({ threads, seed: 5 });
        await startThreads(engine);
        expect(engine.threads).toBe(threads);
        results.set(threads, train(engine, form.batch, form.ragged));
        engine.close();
      }
      const [single, ...others] = results.values();
      expect(single.every(Number.isFinite)).toBe(true);
      for (const other of others) expectSameBits(other, single);
    },
  );
});

/** A product large enough for threads. */
function product(engine: Engine): Float32Array {
  return engine.infer(() => {
    const x = engine.tensor(random(512 * 300, 1), [512, 300]);
    return matmul(x, engine.tensor(random(300 * 300, 2), [300, 300])).toArray() as Float32Array;
  });
}

/** What a script prints that runs in a process of its own and ends by itself. */
async function runScript(source: string): Promise<string> {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const options = ["--input-type=module", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, options, { cwd, timeout: 100_000 });
  return stdout;
}

describe("threads", () => {
  it("join while the first steps are done without them", async () => {
    const single = await open({ threads: 1 });
    const engine = await open({ threads: 3 });
    expect(engine.threads).toBe(1);
    const expected = product(single);
    // The threads cannot have started yet when the first product begins, and come in during one of the others.
    for (let i = 0; engine.threads < 3; i++) {
      if (i > 10_000) expect.fail(`only ${engine.threads} threads joined`);
      expectSameBits(product(engine), expected);
    }
    expectSameBits(product(engine), expected);
    expect(single.threads).toBe(1);
  });

  it("are not started for work that is too small", async () => {
    const engine = await open({ threads: 4 });
    engine.infer(() => matmul(engine.zeros([8, 8]), engine.zeros([8, 8])));
    expect(engine.pool?.threads).toEqual([]);
  });

  it("sleep when there is nothing to do", async () => {
    const engine = await open({ threads: 3 });
    await startThreads(engine);
    product(engine);
    const { control } = engine.pool!;
    for (let i = 0; Atomics.load(control, CONTROL.sleeping) < 2; i++) {
      if (i > 1000) expect.fail("they do not");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expectSameBits(product(engine), product(engine));
  });

  it("make the caller's call throw when one traps, and go on", async () => {
    const engine = await open({ threads: 2 });
    await startThreads(engine);
    // The second part's 16 columns lie behind the end of the memory. The first part keeps the caller busy meanwhile.
    const { bytes } = engine.memory;
    const call = () => engine.run("columnSums", 2, bytes - 64, bytes - 128, 0, 5_000_000, 32, 0);
    expect(call).toThrow(EngineError);
    expect(call).toThrow(/^columnSums failed in part 2 of 2: RuntimeError: .*out of bounds/);
    expectSameBits(product(engine), product(engine));
    expect(engine.threads).toBe(2);
  });

  it("make the engine refuse to go on when one is gone", async () => {
    const engine = await open({ threads: 3 });
    await startThreads(engine);
    engine.pool!.threads[1].terminate();
    let error: unknown;
    for (let i = 0; !error && i < 1000; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      try {
        product(engine);
      } catch (caught) {
        error = caught;
      }
    }
    expect(error).toBeInstanceOf(EngineError);
    expect((error as Error).message).toMatch(
      /cannot go on, since thread 3 died: it ended with code 1: close it/,
    );
  });

  it("are taken for dead when they do not answer for seconds", async () => {
    const engine = await open({ threads: 2 });
    await startThreads(engine);
    const data = engine.zeros([64 * 16384]);
    // Two more threads, which take a part: one hangs, the other dies.
    const source = `
      const { control, next, end, joined, dies } = require("node:worker_threads").workerData;
      Atomics.add(control, joined, 1);
      for (;;) {
        const last = Atomics.load(control, end), number = Atomics.load(control, next);
        if (last - number > 0 && Atomics.compareExchange(control, next, number, number + 1) === number) break;
      }
      if (!dies) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
    const { control } = engine.pool!;
    const impostors = [false, true].map(
      (dies) => new Worker(source, { eval: true, workerData: { ...CONTROL, control, dies } }),
    );
    while (engine.threads < 4) await new Promise((resolve) => setTimeout(resolve, 10));
    const call = () => {
      for (;;) engine.run("fill", 64, data.pointer, 1, data.size);
    };
    expect(call).toThrow(EngineError);
    const message = /cannot go on, since a thread does not answer: [12] of 64 parts of fill were not done/;
    expect(() => engine.zeros([1])).toThrow(message);
    expect(engine.threads).toBe(1);
    for (const impostor of impostors) await impostor.terminate();
  });

  it("are done without where the runtime does not let them start", async () => {
    const library = new URL("../../build/index.js", import.meta.url).href;
    // Workers cannot be made, or die before they are ready.
    for (const replacement of [
      "undefined",
      "class extends threads.Worker { constructor() { super('throw 1', { eval: true }); } }",
    ]) {
      const source = `
        import threads from "node:worker_threads";
        import { syncBuiltinESMExports } from "node:module";
        threads.Worker = ${replacement};
        syncBuiltinESMExports();
        const { createEngine, Linear } = await import(${JSON.stringify(library)});
        const engine = await createEngine({ threads: 3, seed: 1 });
        const layer = new Linear(engine, { inputSize: 300, outputSize: 300 });
        for (let i = 0; i < 5; i++) {
          engine.infer(() => layer.forward(engine.zeros([512, 300])));
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        console.log(engine.threads);`;
      expect(await runScript(source)).toBe("1\n");
    }
  });

  it("end with close(), however often it is called", async () => {
    const engine = await open({ threads: 3 });
    await startThreads(engine);
    const { control } = engine.pool!;
    engine.close();
    engine.close();
    expect(engine.threads).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Nobody is left to take this.
    const next = Atomics.load(control, CONTROL.next);
    Atomics.add(control, CONTROL.end, 1);
    Atomics.notify(control, CONTROL.end);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Atomics.load(control, CONTROL.next)).toBe(next);
    expect(() => product(engine)).toThrow("the engine was closed");
  });

  it("end when close() is called before they have joined", async () => {
    const engine = await open({ threads: 3 });
    engine.pool!.start();
    engine.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(engine.threads).toBe(1);
  });

  it("do not keep a process from ending", async () => {
    const library = new URL("../../build/index.js", import.meta.url).href;
    const source = `
      import { createEngine, Linear } from ${JSON.stringify(library)};
      const engine = await createEngine({ threads: 3 });
      const layer = new Linear(engine, { inputSize: 300, outputSize: 300 });
      while (engine.threads < 3) {
        engine.infer(() => layer.forward(engine.zeros([512, 300])));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      console.log(engine.threads);`;
    expect(await runScript(source)).toBe("3\n");
  });
});
