import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CharacterTokenizer,
  Corpus,
  createEngine,
  type Engine,
  LanguageModel,
  splitText,
  Trainer,
} from "../../src/index.ts";
import {
  countCharacters,
  countParameters,
  estimateMemory,
  expectedVocabulary,
  isTooShort,
  NUMBERS,
  readSettings,
  trainerOptions,
  writeSettings,
} from "../../src/page/state/experiment.ts";
import { firstPrompt, pieceOf } from "../../src/page/state/held-out.ts";
import { namesOf } from "../../src/page/state/names.ts";
import { SUPPLIED } from "../../src/page/state/supplied.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", threads: 1 });
});
afterAll(() => engine.close());

const read = (query: string) => readSettings(new URLSearchParams(query));

describe("settings in an address", () => {
  it("come back as they were written, and only what differs from the defaults is written", () => {
    const settings = {
      ...read(""),
      cell: "gru" as const,
      hiddenSize: 96,
      learningRate: 0.0015,
      clip: 1e9,
      seed: 7,
    };
    const params = writeSettings(settings);
    expect(String(params)).toBe(
      "text=moby-dick&cell=gru&hiddenSize=96&learningRate=0.0015&clip=1000000000&seed=7",
    );
    expect(readSettings(params)).toEqual(settings);
  });

  it("are defaults where an address holds nonsense, and limits where it asks for too much", () => {
    const nonsense =
      "text=%3Cscript%3E&cell=transformer&hiddenSize=abc&numLayers=&dropout=NaN&constructor=1&__proto__=2";
    expect(read(nonsense)).toEqual(read(""));
    expect(read("hiddenSize=1e9&numLayers=-3&seed=2.6&batchSize=Infinity")).toMatchObject({
      hiddenSize: 512,
      numLayers: 1,
      seed: 3,
      batchSize: NUMBERS.batchSize.default,
    });
  });
});

describe("names of runs", () => {
  it("say what differs, and number what is the same", () => {
    const runs = ["", "", "cell=gru", "optimizer=sgd&clip=1e9", "dropout=0.1&vocabSize=512"].map(read);
    expect(namesOf([...runs, "GRU 128", "mine", "mine"])).toEqual([
      "LSTM 128, Adam, dropout 0, clip 1",
      "LSTM 128, Adam, dropout 0, clip 1 · 2",
      "GRU 128",
      "LSTM 128, SGD, dropout 0, clip off",
      "LSTM 128, Adam, dropout 0.1, clip 1",
      "GRU 128 · 2",
      "mine",
      "mine · 2",
    ]);
    expect(namesOf(["", "schedule=constant&numerics=fast"].map(read))[1]).toBe(
      "LSTM 128, schedule constant, arithmetic fastest",
    );
    expect(namesOf(["tokenizer=bpe", "tokenizer=bpe&vocabSize=512"].map(read))).toEqual([
      "LSTM 128, byte pairs, vocabulary 1024",
      "LSTM 128, byte pairs, vocabulary 512",
    ]);
  });
});

describe("sizes", () => {
  it("are the model's own number of parameters", () => {
    for (const cell of ["rnn", "gru", "lstm"] as const) {
      for (const numLayers of [1, 3]) {
        const config = { cell, vocabSize: 37, embeddingSize: 12, hiddenSize: 20, numLayers };
        const model = new LanguageModel(engine, config);
        expect(countParameters(config)).toBe(model.parameterCount);
        model.free();
      }
    }
  });

  it("know how many characters a run learns from a text", async () => {
    const sums = await SUPPLIED.find(({ id }) => id === "sums")!.load();
    for (const text of [sums, `${"🐋a\ud83d".repeat(300)}held out`]) {
      const { validationFraction = 0 } = trainerOptions(read(""), text, undefined);
      const tokenizer = CharacterTokenizer.train(splitText(text, validationFraction)[0]);
      expect(expectedVocabulary(read(""), countCharacters(text))).toBe(tokenizer.vocabSize);
    }
    expect(expectedVocabulary(read("tokenizer=bpe&vocabSize=512"), 12)).toBe(512);
  });

  it("estimate the engine's memory to a third", async () => {
    for (const query of [
      "",
      "cell=gru&numLayers=3",
      "cell=rnn&batchSize=64&optimizer=sgd",
      "hiddenSize=512&batchSize=8",
    ]) {
      const settings = read(query);
      const own = await createEngine({ numerics: "reproducible", threads: 1 });
      const before = own.memory.bytes;
      const { cell, hiddenSize, numLayers, embeddingSize, batchSize, sequenceLength, optimizer } = settings;
      const model = new LanguageModel(own, { cell, hiddenSize, numLayers, embeddingSize, vocabSize: 91 });
      const ids = Int32Array.from({ length: 20_000 }, (_, i) => i % 91);
      const trainer = new Trainer(model, new Corpus(ids, { batchSize, sequenceLength }), {
        steps: 2,
        optimizer,
        evaluateEvery: 0,
      });
      for await (const _ of trainer.run());
      const ratio = estimateMemory(settings, 91) / (own.memory.bytes - before);
      expect(ratio, query).toBeGreaterThan(0.67);
      expect(ratio, query).toBeLessThan(1.5);
      own.close();
    }
  });
});

describe("a text", () => {
  it("is too short where no tokenizer could make enough tokens of it", () => {
    const settings = read("batchSize=4&sequenceLength=8");
    expect(isTooShort(settings, "a".repeat(35))).toBe(true);
    expect(isTooShort(settings, "a".repeat(37))).toBe(false);
    // Its bytes may all be tokens.
    expect(isTooShort({ ...settings, tokenizer: "bpe" }, "鯨".repeat(13))).toBe(false);
    expect(isTooShort({ ...settings, tokenizer: "bpe" }, "鯨".repeat(11))).toBe(true);
  });
});

describe("the supplied texts", () => {
  it("that are made here hold what they promise", async () => {
    const [sums, brackets] = await Promise.all(
      ["sums", "brackets"].map((id) => SUPPLIED.find((text) => text.id === id)!.load()),
    );
    for (const line of sums.trimEnd().split("\n")) {
      const [, a, b, c] = /^(\d+)\+(\d+)=(\d+)$/.exec(line)!;
      expect(Number(a) + Number(b)).toBe(Number(c));
    }
    for (const line of brackets.trimEnd().split("\n")) {
      let left = line;
      for (let before = ""; before !== left; ) {
        before = left;
        left = left.replace(/\(\)|\[\]|\{\}/g, "");
      }
      expect(left).toBe("");
    }
    expect(new Set(brackets.split("\n")).size).toBeGreaterThan(5000);
  });

  it("give a training run samples that go on from a whole sentence", () => {
    const text = `${"The sea was calm. ".repeat(400)}\n\nIt rose, and the ship with it; nobody slept.\n`;
    const { samples, validationFraction } = trainerOptions(read(""), text, "name");
    expect(validationFraction).toBe(0.1);
    expect(samples?.prompt).toMatch(/^The sea was calm\. The/);
    // Nothing but spaces is no prompt: a model of words reads no token there.
    expect(firstPrompt(" ".repeat(60) + "word ".repeat(50))).toMatch(/^word/);
  });
});

describe("pieces of held-out text", () => {
  it("begin and end between words, and what follows is how the text goes on", () => {
    const text = "It was the whiteness of the whale that above all things appalled me. ".repeat(20);
    for (const where of [0.1, 0.5, 0.99]) {
      const { prompt, truth } = pieceOf(text, where);
      expect(text).toContain(prompt + truth);
      expect(prompt).toMatch(/^(?:\S+ )+$/);
      expect(prompt.length).toBeGreaterThan(60);
      expect(truth.length).toBeGreaterThan(60);
    }
  });

  it("differ in texts without spaces, where they begin with a line", async () => {
    const sums = await SUPPLIED.find(({ id }) => id === "sums")!.load();
    const prompts = [0, 0.2, 0.4, 0.6, 0.8].map((where) => pieceOf(sums, where).prompt);
    expect(new Set(prompts).size).toBe(5);
    for (const prompt of prompts.slice(1)) expect(prompt).toMatch(/^\d+\+\d+=\d+\n/);
  });

  it("cut no character in two, and are whole in a text that is short", () => {
    const whales = "🐋".repeat(400);
    for (let where = 0; where < 1; where += 0.03) {
      const { prompt } = pieceOf(whales, where);
      expect(prompt.isWellFormed()).toBe(true);
    }
    expect(pieceOf("a b", 0.9)).toEqual({ prompt: "b", truth: "" });
  });
});
