import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  CharacterTokenizer,
  ConfigError,
  Corpus,
  createEngine,
  type Engine,
  type GeneratedToken,
  type GenerateOptions,
  type Generative,
  generate,
  LanguageModel,
  NumericError,
  softmax,
  stateDict,
  train,
} from "../../src/index.ts";
import { WordTokenizer } from "../../src/text/word-tokenizer.ts";
import { expectClose } from "../helpers/close.ts";
import { randomIds } from "../helpers/random.ts";

const TEXT = "In the beginning was the word, and the word was with … 𝄞 and the word was good. ".repeat(12);
const tokenizer = CharacterTokenizer.train(TEXT);

let engine: Engine;
/** Knows a little: enough that its probabilities are not all alike. */
let model: LanguageModel;
let idle: number;

/** Bytes that live on, but for what the model keeps packed. */
function ownMemory(): number {
  for (const parameter of model.parameters()) parameter.changed();
  return engine.memory.persistentBytes;
}

beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible", seed: 5 });
  const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 20, numLayers: 2, dropout: 0.3 };
  model = new LanguageModel(engine, config, tokenizer);
  const corpus = new Corpus(tokenizer.encode(TEXT), { batchSize: 4, sequenceLength: 10 });
  for await (const _ of train(model, corpus, { steps: 60, learningRate: 1e-2, evaluateEvery: 0 }));
  idle = engine.memory.persistentBytes;
});
beforeEach(() => {
  model.train();
});
afterAll(() => engine.close());

async function collect(
  prompt: string | ArrayLike<number>,
  options: GenerateOptions,
  of: Generative = model,
): Promise<GeneratedToken[]> {
  const tokens: GeneratedToken[] = [];
  for await (const token of generate(of, prompt, options)) tokens.push(token);
  return tokens;
}

const idsOf = (tokens: GeneratedToken[]): number[] => tokens.map(({ id }) => id);

describe("generate", () => {
  it("gives the same tokens for the same seed, others for another", async () => {
    const a = await collect("the word", { length: 80, seed: 11 });
    expect(await collect("the word", { length: 80, seed: 11 })).toEqual(a);
    expect(idsOf(await collect("the word", { length: 80, seed: 12 }))).not.toEqual(idsOf(a));
  });

  it("reads no random numbers of the engine's, and changes no weight", async () => {
    const before = [engine.random.state, stateDict(model)];
    await collect("the word", { length: 20 });
    expect([engine.random.state, stateDict(model)]).toEqual(before);
  });

  it("gives as many tokens as asked for, and their text", async () => {
    expect(await collect("the", { length: 0 })).toEqual([]);
    const tokens = await collect("the", { length: 37, seed: 2 });
    expect(tokens.length).toBe(37);
    expect(tokens.map(({ text }) => text).join("")).toBe(tokenizer.decode(idsOf(tokens)));
    for (const { probability } of tokens) {
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThanOrEqual(1);
    }
  });

  it("lists the likeliest tokens beside each, when asked to", async () => {
    const tokens = await collect("the", { length: 12, temperature: 0, alternatives: 3 });
    expect(tokens.map(({ text: _, alternatives: __, ...token }) => token)).toEqual(
      tokens.map(({ alternatives }) => alternatives?.[0]),
    );
    for (const { alternatives = [] } of tokens) {
      expect(alternatives.length).toBe(3);
      const chances = alternatives.map(({ probability }) => probability);
      expect(chances).toEqual(chances.toSorted((a, b) => b - a));
    }
    await expect(collect("the", { alternatives: -1 })).rejects.toThrow(ConfigError);
    const [plain] = await collect("the", { length: 1 });
    expect(plain).not.toHaveProperty("alternatives");
  });

  it("takes the likeliest token at temperature 0, as with topK 1", async () => {
    const greedy = await collect("and", { length: 60, temperature: 0, seed: 1 });
    expect(await collect("and", { length: 60, temperature: 0, seed: 2 })).toEqual(greedy);
    expect(idsOf(await collect("and", { length: 60, topK: 1, seed: 3 }))).toEqual(idsOf(greedy));
    expect(idsOf(await collect("and", { length: 60, topP: 1e-6, seed: 3 }))).toEqual(idsOf(greedy));
    expect(idsOf(await collect("and", { length: 60, temperature: 1e-3, seed: 3 }))).toEqual(idsOf(greedy));
    // 1e-45 is so small that 1/t overflows.
    expect(idsOf(await collect("and", { length: 60, temperature: 1e-45, seed: 3 }))).toEqual(idsOf(greedy));
    expect(idsOf(await collect("and", { length: 60, seed: 3 }))).not.toEqual(idsOf(greedy));
  });

  it("says the probability at the temperature asked for", async () => {
    const prompt = tokenizer.encode("In the beg");
    model.eval();
    const logits = engine.infer(() => {
      const { logits } = model.forward(engine.ids(prompt, [prompt.length, 1]));
      return (logits.toArray() as Float32Array).slice(-tokenizer.vocabSize);
    });
    for (const temperature of [0.5, 1, 2]) {
      const [token] = await collect(prompt, { length: 1, temperature });
      const powers = Array.from(logits, (logit) => Math.exp(logit / temperature));
      const expected = powers[token.id] / powers.reduce((sum, power) => sum + power, 0);
      expectClose([token.probability], [expected], 1e-5, `temperature ${temperature}`);
    }
  });

  it("hands out each token before the next one is computed", async () => {
    let calls = 0;
    const counting: Generative = {
      engine,
      tokenizer,
      forward(ids, state) {
        calls++;
        return model.forward(ids, state);
      },
      namedModules: () => [],
    };
    const tokens = generate(counting, "the", { length: 3 });
    for (const expected of [1, 2, 3]) {
      expect((await tokens.next()).done).toBe(false);
      expect(calls).toBe(expected);
    }
    expect((await tokens.next()).done).toBe(true);
    expect(calls).toBe(3);
  });

  it("goes on from a state as if it read everything anew", async () => {
    const prompt = tokenizer.encode("was the ");
    const tokens = await collect(prompt, { length: 30, seed: 4 });
    const ids = [...prompt, ...idsOf(tokens)];
    model.eval();
    const expected = engine.infer(() => {
      const { logits } = model.forward(engine.ids(ids, [ids.length, 1]));
      const probabilities = softmax(logits).toArray();
      return tokens.map(({ id }, i) => probabilities[(prompt.length - 1 + i) * tokenizer.vocabSize + id]);
    });
    expectClose(
      tokens.map(({ probability }) => probability),
      expected,
      1e-5,
    );
  });

  it.each([255, 256, 257, 700])("reads a prompt of %i tokens in parts as if at once", async (length) => {
    const prompt = randomIds(length, 1, tokenizer.vocabSize);
    const [token] = await collect(prompt, { length: 1, temperature: 0 });
    model.eval();
    const expected = engine.infer(() => {
      const { logits } = model.forward(engine.ids(prompt, [length, 1]));
      const last = logits.view([1, tokenizer.vocabSize], (length - 1) * tokenizer.vocabSize);
      return softmax(last).toArray();
    });
    expect(expected[token.id]).toBe(Math.max(...expected));
    expectClose([token.probability], [expected[token.id]], 1e-5);
  });

  it("joins words to the prompt's as the tokenizer does", async () => {
    const words = await WordTokenizer.train("(the word, the end).", { minFrequency: 1 });
    const other = new LanguageModel(engine, { vocabSize: words.vocabSize, hiddenSize: 8 }, words);
    for (const prompt of ["the", "("]) {
      for (let seed = 0; seed < 20; seed++) {
        const tokens = await collect(prompt, { length: 3, seed }, other);
        const whole = words.decode([...words.encode(prompt), ...idsOf(tokens)]);
        expect(prompt + tokens.map(({ text }) => text).join("")).toBe(whole);
      }
    }
    other.free();
  });

  it("works without a tokenizer, on ids", async () => {
    const bare = new LanguageModel(engine, { cell: "gru", vocabSize: 7, hiddenSize: 8 });
    const tokens = await collect([1, 2, 3], { length: 10 }, bare);
    expect(tokens.length).toBe(10);
    for (const { id, text } of tokens) {
      expect(id).toBeGreaterThanOrEqual(0);
      expect(id).toBeLessThan(7);
      expect(text).toBe("");
    }
    await expect(collect("text", { length: 1 }, bare)).rejects.toThrow("the model has no tokenizer");
    bare.free();
  });
});

describe("mode", () => {
  it("computes without dropout, and leaves the model in the mode it was in", async () => {
    model.eval();
    const tokens = await collect("the", { length: 20 });
    expect(model.training).toBe(false);
    model.train();
    const inTraining: GeneratedToken[] = [];
    for await (const token of generate(model, "the", { length: 20 })) {
      // Between two tokens too: someone may train then.
      expect([model.training, model.dropout.training, model.rnn.training]).toEqual([true, true, true]);
      inTraining.push(token);
    }
    expect(inTraining).toEqual(tokens);
    // A part may be in a mode of its own.
    model.dropout.eval();
    await collect("the", { length: 3 });
    expect([model.training, model.dropout.training, model.rnn.training]).toEqual([true, false, true]);
    model.train();
    await expect(collect([9999], { length: 1 })).rejects.toThrow("ids must be from 0");
    expect([model.training, ownMemory()]).toEqual([true, idle]);
  });
});

describe("stopping", () => {
  it("stops when the signal aborts, in the loop or from a timer", async () => {
    const stop = new AbortController();
    let count = 0;
    for await (const _ of generate(model, "the", { signal: stop.signal })) if (++count === 5) stop.abort();
    expect(count).toBe(5);

    const later = new AbortController();
    let fired = false;
    setTimeout(() => {
      fired = true;
      later.abort();
    }, 40);
    let after = 0;
    for await (const _ of generate(model, "the", { signal: later.signal })) if (fired) after++;
    expect(fired).toBe(true);
    expect(after).toBeLessThanOrEqual(1);
    expect(await collect("the", { signal: AbortSignal.abort() })).toEqual([]);
    expect(ownMemory()).toBe(idle);
  });

  it("gives its memory back when the loop is left", async () => {
    let count = 0;
    for await (const _ of generate(model, "the")) {
      expect(engine.memory.persistentBytes).toBeGreaterThan(idle);
      if (++count === 3) break;
    }
    expect(ownMemory()).toBe(idle);
    await expect(
      (async () => {
        for await (const _ of generate(model, "the")) throw new Error("enough");
      })(),
    ).rejects.toThrow("enough");
    expect(ownMemory()).toBe(idle);
  });

  it("needs no more memory for token 2,000 than for token 10", async () => {
    const seen: number[][] = [];
    for await (const _ of generate(model, "the", { length: 2000 })) {
      seen.push([engine.memory.bytes, engine.memory.persistentBytes]);
    }
    expect(seen.length).toBe(2000);
    expect(seen[1999]).toEqual(seen[9]);
    expect(ownMemory()).toBe(idle);
  });
});

it("stops where the model gives no numbers", async () => {
  const other = new LanguageModel(engine, { vocabSize: 5, hiddenSize: 3 });
  other.parameters()[0].set(new Float32Array(15).fill(Number.NaN));
  for (const temperature of [0, 1]) {
    const first = generate(other, [1], { temperature }).next();
    await expect(first).rejects.toThrow(NumericError);
    await expect(first).rejects.toThrow("its weights are not finite");
  }
  other.free();
});

describe("options", () => {
  const nan = Number.NaN;
  it.each<[string, number]>([
    ["temperature", -1],
    ["temperature", nan],
    ["temperature", Number.POSITIVE_INFINITY],
    ["topK", 0],
    ["topK", 1.5],
    ["topK", nan],
    ["topP", 0],
    ["topP", 1.1],
    ["topP", nan],
    ["length", -1],
    ["length", nan],
    ["seed", -1],
    ["seed", 0.5],
  ])("%s: %d is out of range", async (option, value) => {
    const run = collect("the", { length: 1, [option]: value });
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow(new RegExp(`^${option} .*got ${value}$`));
    expect(ownMemory()).toBe(idle);
  });

  it("refuses ids that are no integers", async () => {
    for (const prompt of [[nan], [1, 1.7], [2 ** 32 + 1]]) {
      await expect(collect(prompt, { length: 1 })).rejects.toThrow(
        /^token ids must be integers of 32 bits, got/,
      );
    }
  });

  it("refuses an empty prompt", async () => {
    await expect(collect("", { length: 1 })).rejects.toThrow(ConfigError);
    await expect(collect([], { length: 1 })).rejects.toThrow("the prompt is empty");
  });
});
