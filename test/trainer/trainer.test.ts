import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  CharacterTokenizer,
  ConfigError,
  Corpus,
  createEngine,
  createTrainer,
  deleteStoredRun,
  EngineError,
  FormatError,
  generate,
  LanguageModel,
  listStoredRuns,
  loadLanguageModel,
  NumericError,
  readStoredText,
  splitText,
  stateDict,
  type TrainerReport,
  type TrainerSource,
  train,
  type WorkerTrainer,
} from "../../src/index.ts";
import { expectSameBits } from "../helpers/close.ts";
import { localWorker } from "./worker.ts";

const TEXT = "the sea, the ship, the whale; the whale, the ship, the sea. ".repeat(60);
const SIZES = { batchSize: 4, sequenceLength: 16 };
const MODEL = { cell: "lstm", embeddingSize: 8, hiddenSize: 24, dropout: 0.2 } as const;
const ENGINE = { numerics: "reproducible", seed: 7, threads: 1 } as const;
/** Longer than reports are gathered for, so that a run can be stopped on its way. */
const TRAINING = { steps: 1500, learningRate: 0.01, evaluateEvery: 500 };
const OPTIONS = { text: TEXT, model: MODEL, engine: ENGINE, training: TRAINING, ...SIZES };

const opened: WorkerTrainer[] = [];

async function open(source: TrainerSource): Promise<WorkerTrainer> {
  const trainer = await createTrainer(source, { worker: localWorker() });
  opened.push(trainer);
  return trainer;
}

async function all(reports: AsyncIterable<TrainerReport>): Promise<TrainerReport[]> {
  const taken: TrainerReport[] = [];
  for await (const report of reports) taken.push(report);
  return taken;
}

const collect = (trainer: WorkerTrainer): Promise<TrainerReport[]> => all(trainer.run());

const stepsOf = (reports: TrainerReport[]): number[] =>
  reports.flatMap((report) => (report.kind === "step" ? [report.step] : []));

async function weightsOf(trainer: WorkerTrainer): Promise<Float32Array[]> {
  const engine = await createEngine(ENGINE);
  const { model } = loadLanguageModel(engine, await trainer.save());
  const weights = [...stateDict(model).values()].map(({ data }) => data as Float32Array);
  engine.close();
  return weights;
}

function expectSameWeights(a: Float32Array[], b: Float32Array[]): void {
  expect(a.length).toBe(b.length);
  for (const [i, values] of a.entries()) expectSameBits(values, b[i]);
}

/** The same run without a worker: its weights. */
async function trainHere(): Promise<Float32Array[]> {
  const [training, heldOut] = splitText(TEXT, 0.1);
  const tokenizer = CharacterTokenizer.train(training);
  const engine = await createEngine(ENGINE);
  const model = new LanguageModel(engine, { ...MODEL, vocabSize: tokenizer.vocabSize }, tokenizer);
  const corpus = new Corpus(tokenizer.encode(training), {
    ...SIZES,
    validationIds: tokenizer.encode(heldOut),
  });
  for await (const _ of train(model, corpus, TRAINING));
  const weights = [...stateDict(model).values()].map(({ data }) => data as Float32Array);
  engine.close();
  return weights;
}

beforeEach(async () => {
  for (const { name } of await listStoredRuns()) await deleteStoredRun(name);
});
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.close();
});

describe("createTrainer", () => {
  it("trains to the weights that train() gives, bit for bit, with the same reports", async () => {
    const trainer = await open({ ...OPTIONS, samples: { length: 12, temperature: 0.5 } });
    expect(trainer.info).toMatchObject({ step: 0, steps: 1500, build: "simd", threads: 1, state: "ready" });
    const reports = await collect(trainer);
    expect(trainer.state).toBe("finished");
    expect(stepsOf(reports)).toEqual(Array.from({ length: 1500 }, (_, i) => i + 1));
    expect(reports.flatMap((report) => (report.kind === "validation" ? [report.step] : []))).toEqual([
      500, 1000, 1500,
    ]);
    const samples = reports.flatMap((report) => (report.kind === "sample" ? [report] : []));
    expect(samples.map(({ step }) => step)).toEqual([500, 1000, 1500]);
    for (const { text } of samples) expect(text.length).toBe(12);
    expectSameWeights(await weightsOf(trainer), await trainHere());
  });

  it("pauses between steps, goes on, and ends with the same weights", async () => {
    const trainer = await open(OPTIONS);
    const steps: number[] = [];
    for await (const report of trainer.run()) {
      if (report.kind !== "step") continue;
      steps.push(report.step);
      if (report.step === 1) {
        await trainer.pause();
        expect(trainer.state).toBe("paused");
        // At once: the pause may not be over in the worker.
        await Promise.all([trainer.resume(), trainer.pause(), trainer.resume()]);
      }
    }
    expect(steps).toEqual(Array.from({ length: 1500 }, (_, i) => i + 1));
    expectSameWeights(await weightsOf(trainer), await trainHere());
  });

  it("stops at a signal, and when the loop is left; run() goes on from there", async () => {
    const trainer = await open({ ...OPTIONS, training: { ...TRAINING, steps: 3000, evaluateEvery: 0 } });
    const stop = new AbortController();
    let last = 0;
    for await (const report of trainer.run({ signal: stop.signal })) {
      if (report.kind === "step" && (last = report.step) >= 5) stop.abort();
    }
    expect(trainer.state).toBe("paused");
    const idle = await trainer.save();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await trainer.save()).toEqual(idle);
    for await (const report of trainer.run()) {
      if (report.kind === "step") {
        expect(report.step).toBeGreaterThan(last);
        break;
      }
    }
    expect(trainer.state).toBe("paused");
  });

  it("loses no report when the loop is left", async () => {
    const trainer = await open(OPTIONS);
    const steps: number[] = [];
    for (const end of [1, 2, 300, 1500]) {
      for await (const report of trainer.run()) {
        if (report.kind === "step") steps.push(report.step);
        if (report.step === end && end < 1500) break;
      }
    }
    expect(steps).toEqual(Array.from({ length: 1500 }, (_, i) => i + 1));
    expect(await collect(trainer)).toEqual([]);
  });

  it("keeps no model without a text, and says so", async () => {
    const trainer = await open(OPTIONS);
    const file = await trainer.save();
    await expect(open({ file, checkpoint: "no text" })).rejects.toThrow(
      /^checkpoint: a model without a text/,
    );
    expect((await open({ file })).state).toBe("ready");
  });

  it("says how many bytes a token of each part of the text stands for", async () => {
    const text = `${"a".repeat(1800)}${"é".repeat(200)}`;
    const { info } = await open({ ...OPTIONS, text, tokenizer: "char" });
    expect([info.bytesPerToken, info.validationBytesPerToken]).toEqual([1, 2]);
  });

  it("refuses samples out of range, and goes on without the change", async () => {
    const wrong = { length: 5, temperature: -1 };
    await expect(open({ ...OPTIONS, samples: wrong })).rejects.toThrow(/^temperature must be/);
    await expect(open({ ...OPTIONS, samples: { length: 1.5 } })).rejects.toThrow(/^samples.length must be/);
    const words = { ...OPTIONS, tokenizer: "word" as const, batchSize: 2 };
    await expect(open({ ...words, samples: { length: 5, prompt: "  " } })).rejects.toThrow(
      /^samples\.prompt must be a text of at least one token, got " {2}"/,
    );
    const unknown = { ...OPTIONS, tokenizer: "foo" as "char" };
    await expect(open(unknown)).rejects.toThrow(/^the kind must be one of bpe, .*got "foo"/);
    const trainer = await open({ ...OPTIONS, training: { ...TRAINING, steps: 20 } });
    for (const one of [wrong, { seed: -1 }, { prompt: "" }, { alternatives: -3 }]) {
      const samples = { length: 5, ...one };
      await expect(open({ ...OPTIONS, samples })).rejects.toThrow(ConfigError);
      await expect(trainer.adjust({ samples, learningRate: 0.5 })).rejects.toThrow(ConfigError);
    }
    const rates = (await collect(trainer)).flatMap((report) =>
      report.kind === "step" ? [report.learningRate] : [],
    );
    expect(Math.max(...rates)).toBe(TRAINING.learningRate);
    expect(trainer.state).toBe("finished");
  });

  it("takes one loop over run() at a time", async () => {
    const trainer = await open(OPTIONS);
    const first = trainer.run();
    await first.next();
    await expect(trainer.run().next()).rejects.toThrow(ConfigError);
    await first.return();
  });

  it("changes the learning rate while it trains, and keeps the change", async () => {
    const training = { ...TRAINING, steps: 2000, evaluateEvery: 0, schedule: "constant" as const };
    const trainer = await open({ ...OPTIONS, training, checkpoint: "rates" });
    const rates = new Set<number>();
    for await (const report of trainer.run()) {
      if (report.kind !== "step") continue;
      rates.add(report.learningRate);
      if (report.step === 3) await trainer.adjust({ learningRate: 0.002 });
      if (rates.size === 2) break;
    }
    expect([...rates]).toEqual([0.01, 0.002]);
    const again = await open({ checkpoint: "rates" });
    expect(again.info.options.training?.learningRate).toBe(0.002);
    await expect(trainer.adjust({ learningRate: -1 })).rejects.toThrow(ConfigError);
  });

  it("goes on from a kept run, bit for bit, with its curves and its text", async () => {
    const first = await open({ ...OPTIONS, checkpoint: "my run" });
    const seen: TrainerReport[] = [];
    for await (const report of first.run()) {
      seen.push(report);
      if (report.kind === "step" && report.step === 12) break;
    }
    first.close();
    const second = await open({ checkpoint: "my run" });
    const { step, history } = second.info;
    expect(step).toBeGreaterThanOrEqual(12);
    expect(step).toBeLessThan(1500);
    expect(history.loss.length).toBe(step);
    const losses = seen.flatMap((report) => (report.kind === "step" ? [Math.fround(report.loss)] : []));
    expect(Array.from(history.loss.subarray(0, losses.length))).toEqual(losses);
    expect(history.validation.map(({ step }) => step)).toEqual([500, 1000].filter((due) => due <= step));
    await collect(second);
    expectSameWeights(await weightsOf(second), await trainHere());
    expect(await readStoredText("my run")).toBe(TEXT);
    expect((await open({ checkpoint: "my run" })).state).toBe("finished");
  });

  it("begins no run under the name of one that is kept, and names both ways on", async () => {
    const first = await open({ ...OPTIONS, training: { ...TRAINING, steps: 20 }, checkpoint: "mine" });
    await collect(first);
    const file = await first.save();
    first.close();
    for (const source of [OPTIONS, { ...OPTIONS, file }]) {
      const again = open({ ...source, checkpoint: "mine" });
      await expect(again).rejects.toThrow(ConfigError);
      await expect(again).rejects.toThrow(
        'createTrainer({ checkpoint: "mine" }) goes on with it, deleteStoredRun("mine") removes it',
      );
    }
    expect((await open({ checkpoint: "mine" })).info.step).toBe(20);
    await deleteStoredRun("mine");
    expect((await open({ ...OPTIONS, checkpoint: "mine" })).info.step).toBe(0);
  });

  it("lists and deletes kept runs, and says when there is none", async () => {
    await open({ ...OPTIONS, checkpoint: "a" });
    await open({ ...OPTIONS, checkpoint: "b" });
    const runs = await listStoredRuns();
    expect(runs.map(({ name }) => name).sort()).toEqual(["a", "b"]);
    expect(runs[0]).toMatchObject({ step: 0, steps: 1500, options: { model: MODEL } });
    await deleteStoredRun("a");
    expect((await listStoredRuns()).map(({ name }) => name)).toEqual(["b"]);
    await expect(open({ checkpoint: "a" })).rejects.toThrow(/no run is kept under the name "a"/);
  });

  it("keeps nothing of a run that was deleted while it is open", async () => {
    const trainer = await open({ ...OPTIONS, checkpoint: "gone" });
    await trainer.checkpoint();
    expect((await listStoredRuns()).map(({ name }) => name)).toEqual(["gone"]);
    await deleteStoredRun("gone");
    await trainer.checkpoint();
    expect(await listStoredRuns()).toEqual([]);
    await expect(open({ checkpoint: "gone" })).rejects.toThrow(/no run is kept under the name "gone"/);
  });

  it("refuses a kept run whose file was damaged", async () => {
    await open({ ...OPTIONS, checkpoint: "damaged" });
    const { createStore, get, set } = await import("idb-keyval");
    const store = createStore("unrolled", "runs");
    const file = await get<Uint8Array>("file damaged", store);
    await set("file damaged", file?.slice(0, -100), store);
    await expect(open({ checkpoint: "damaged" })).rejects.toThrow(FormatError);
  });

  it("generates from the model as it is, while it trains and without touching the run", async () => {
    const trainer = await open(OPTIONS);
    const reports = trainer.run();
    await reports.next();
    let text = "";
    for await (const token of trainer.generate("the ", { length: 20, alternatives: 3 })) {
      text += token.text;
      expect(token.alternatives?.length).toBe(3);
    }
    expect(text.length).toBe(20);
    for await (const _ of reports);
    expectSameWeights(await weightsOf(trainer), await trainHere());
    const here = await createEngine(ENGINE);
    const { model } = loadLanguageModel(here, await trainer.save());
    const expected = [];
    for await (const token of generate(model, "the ", { length: 30, seed: 3 })) expected.push(token);
    const got = [];
    for await (const token of trainer.generate("the ", { length: 30, seed: 3 })) got.push(token);
    expect(got).toEqual(expected);
    here.close();
  });

  it("ends endless generation when the loop is left, or at a signal", async () => {
    const trainer = await open(OPTIONS);
    for await (const _ of trainer.generate("the ")) break;
    const stop = new AbortController();
    let count = 0;
    for await (const _ of trainer.generate("the ", { signal: stop.signal })) if (++count === 5) stop.abort();
    expect(count).toBe(5);
    await expect(trainer.generate("", {}).next()).rejects.toThrow(ConfigError);
  });

  it("shows what the model computes on a text", async () => {
    const trainer = await open(OPTIONS);
    const seen = await trainer.inspect("the whale", { alternatives: 4, unit: { layer: 0, index: 5 } });
    expect(seen.tokens.join("")).toBe("the whale");
    expect(seen.next.map((list) => list.length)).toEqual(Array(9).fill(4));
    expect(seen.layers[0].hidden.length).toBe(10 * 24);
    expect(Object.keys(seen.unit?.terms ?? {})).toEqual(["i", "f", "g", "o"]);
    for (const { id } of seen.next.flat()) expect(typeof seen.names[id]).toBe("string");
    await expect(trainer.inspect("")).rejects.toThrow(ConfigError);
    await expect(trainer.inspect("x".repeat(5000))).rejects.toThrow(/at most 4096/);
    await expect(trainer.inspect("x", { unit: { layer: 0, index: 24 } })).rejects.toThrow(/from 0 to 23/);
  });

  it("opens a model's file: alone to generate from, with a text to train on", async () => {
    const first = await open(OPTIONS);
    await collect(first);
    const file = await first.save();
    const model = await open({ file: new Blob([file]), engine: ENGINE });
    expect(model.info).toMatchObject({
      steps: 0,
      trainingTokens: 0,
      parameterCount: first.info.parameterCount,
    });
    expect((await model.generate("the ", { length: 1 }).next()).value?.text.length).toBe(1);
    await expect(model.run().next()).rejects.toThrow(/no text to train on/);
    const further = await open({
      file,
      text: TEXT,
      engine: ENGINE,
      training: { ...TRAINING, steps: 3 },
      ...SIZES,
    });
    const [start] = await collect(further);
    expect(start.kind === "step" && start.loss).toBeLessThan(2.5);
    await expect(open({ file: file.slice(0, 300) })).rejects.toThrow(FormatError);
    await expect(open({ file: new Uint8Array(3) })).rejects.toThrow(FormatError);
  });

  it("says what is wrong with options", async () => {
    await expect(open({ ...OPTIONS, text: "" })).rejects.toThrow(ConfigError);
    await expect(open({ ...OPTIONS, text: "short" })).rejects.toThrow(/one batch needs/);
    await expect(open({ ...OPTIONS, model: { hiddenSize: 0 } })).rejects.toThrow(/hiddenSize/);
    await expect(open({ ...OPTIONS, training: { clip: -1 } })).rejects.toThrow(/clip/);
    const plateau = { schedule: "plateau" as const, steps: 5 };
    await expect(open({ ...OPTIONS, validationFraction: 0, training: plateau })).rejects.toThrow(
      /needs held-out data/,
    );
    for (const checkpointEvery of [Number.NaN, -1]) {
      await expect(open({ ...OPTIONS, checkpointEvery })).rejects.toThrow(
        /^checkpointEvery must be at least 0/,
      );
    }
    await expect(open({} as never)).rejects.toThrow(/expected a text, a file or a checkpoint/);
  });

  it("hands on a loss that is not finite, and keeps the last good checkpoint", async () => {
    const training = { ...TRAINING, optimizer: "sgd" as const, learningRate: 1e30, clip: 1e30 };
    const trainer = await open({ ...OPTIONS, training, checkpoint: "wild" });
    await expect(collect(trainer)).rejects.toThrow(NumericError);
    expect(trainer.state).toBe("failed");
    expect((await open({ checkpoint: "wild" })).info.step).toBe(0);
  });

  it("is paused, or finished, where the browser does not keep it, and loses nothing", async () => {
    const full = () =>
      vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
        throw new DOMException("the disk is full", "QuotaExceededError");
      });
    const trainer = await open({ ...OPTIONS, checkpoint: "paused" });
    const reports = trainer.run();
    await reports.next();
    let disk = full();
    await expect(trainer.pause()).rejects.toThrow(
      /^the browser did not keep the checkpoint "paused": .*the disk is full/,
    );
    await expect(all(reports)).rejects.toThrow(EngineError);
    expect(trainer.state).toBe("paused");
    disk.mockRestore();
    await collect(trainer);
    expectSameWeights(await weightsOf(trainer), await trainHere());

    const often = await open({ ...OPTIONS, checkpoint: "often", checkpointEvery: 0 });
    const last = await open({ ...OPTIONS, training: { ...TRAINING, steps: 5 }, checkpoint: "last" });
    disk = full();
    await expect(collect(often)).rejects.toThrow(EngineError);
    expect(often.state).toBe("paused");
    await expect(collect(last)).rejects.toThrow(EngineError);
    expect(last.state).toBe("finished");
    disk.mockRestore();
    await last.checkpoint();
    expect((await open({ checkpoint: "last" })).info).toMatchObject({ step: 5, state: "finished" });
  });

  it("trains with tokens of every kind", async () => {
    for (const tokenizer of ["bpe", "char-bpe", "word"] as const) {
      const small = { batchSize: 2, sequenceLength: 4, training: { steps: 2 } };
      const trainer = await open({ ...OPTIONS, tokenizer, vocabSize: 270, ...small });
      expect(stepsOf(await collect(trainer))).toEqual([1, 2]);
    }
  });

  it("ends at a signal, also while it is being opened", async () => {
    const stop = new AbortController();
    const worker = localWorker();
    const terminate = vi.spyOn(worker, "terminate");
    const opening = createTrainer(OPTIONS, { worker, signal: stop.signal });
    stop.abort(new Error("no more"));
    await expect(opening).rejects.toThrow("no more");
    expect(terminate).toHaveBeenCalledOnce();
    await expect(createTrainer(OPTIONS, { signal: stop.signal })).rejects.toThrow("no more");
    const end = new AbortController();
    const trainer = await createTrainer(OPTIONS, { worker: localWorker(), signal: end.signal });
    end.abort();
    await expect(trainer.save()).rejects.toThrow(/has ended: its signal aborted/);
  });

  it("tells who waits when the worker ends", async () => {
    const trainer = await open(OPTIONS);
    const waiting = trainer.save();
    trainer.close();
    await expect(waiting).rejects.toThrow(EngineError);
    await expect(trainer.save()).rejects.toThrow(/has ended: it was closed/);
  });

  it("starts a real worker where there are web workers, and says so where there are none", async () => {
    if (typeof Worker !== "function") {
      await expect(createTrainer(OPTIONS)).rejects.toThrow(/in Node use train\(\)/);
      return;
    }
    // Kept in the browser's own storage, where an earlier try may have left one.
    const checkpoint = `real ${Date.now()}`;
    const trainer = await createTrainer({
      ...OPTIONS,
      engine: { ...ENGINE, threads: 2 },
      checkpoint,
    });
    opened.push(trainer);
    const { build, threads, notice } = trainer.info;
    expect(build).toBe("simd");
    // WebKitGTK has no shared memory.
    if (threads === 1) expect(notice).toMatch(/one thread/);
    else expect([threads, notice]).toEqual([2, undefined]);
    await collect(trainer);
    expectSameWeights(await weightsOf(trainer), await trainHere());
    // Of two tabs that begin under one name, one does.
    await expect(createTrainer({ ...OPTIONS, checkpoint })).rejects.toThrow(/is open elsewhere/);
    trainer.close();
    await expect(createTrainer({ ...OPTIONS, checkpoint })).rejects.toThrow(ConfigError);
    const kept = await createTrainer({ checkpoint });
    opened.push(kept);
    expect(kept.state).toBe("finished");
    expectSameWeights(await weightsOf(kept), await trainHere());
  });
});
