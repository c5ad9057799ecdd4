/** A language model read without tensors, against the same model's forward(). */
import { beforeAll, describe, expect, it } from "vitest";
import {
  ConfigError,
  type Engine,
  EngineError,
  type GeneratedToken,
  type Generative,
  generate,
  LanguageModel,
  type LanguageModelConfig,
  scale,
} from "../../src/index.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { random, randomIds } from "../helpers/random.ts";

const MODELS: Record<string, Partial<LanguageModelConfig> & { vocabSize: number }> = {
  lstm: { vocabSize: 13 },
  "lstm with a projection, three layers": { vocabSize: 17, numLayers: 3, projSize: 5, embeddingSize: 6 },
  "lstm with tied weights": { vocabSize: 18, tieWeights: true },
  "gru, two layers": { vocabSize: 9, cell: "gru", numLayers: 2 },
  rnn: { vocabSize: 21, cell: "rnn", embeddingSize: 31 },
  // Its table is too large to be kept projected.
  "lstm, many tokens": { vocabSize: 300 },
  "gru, many tokens": { vocabSize: 300, cell: "gru", embeddingSize: 9 },
};

/** The model as any other, which has a forward() and nothing more. */
function plain(model: LanguageModel): Generative {
  return {
    engine: model.engine,
    forward: (ids, state) => model.forward(ids, state),
    namedModules: () => model.namedModules(),
  };
}

forEachBuild((build, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ seed: 4 });
  });

  const createModel = (name: string): LanguageModel =>
    new LanguageModel(engine, { hiddenSize: 18, dropout: 0.2, ...MODELS[name] }).eval();

  /** Tokens, while `change` may do something to the model before each. */
  async function write(
    model: Generative,
    prompt: Int32Array,
    change: (done: number) => void = () => {},
  ): Promise<GeneratedToken[]> {
    const tokens: GeneratedToken[] = [];
    change(0);
    for await (const token of generate(model, prompt, { length: 40, seed: 2, temperature: 0.8 })) {
      tokens.push(token);
      change(tokens.length);
    }
    return tokens;
  }

  /** The same but for rounding: sums are made in another order in builds whose bits depend on it. */
  function expectSameText(actual: GeneratedToken[], expected: GeneratedToken[]): void {
    expect(actual.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    for (const [i, { probability }] of actual.entries()) {
      expect(Math.abs(probability - expected[i].probability)).toBeLessThan(1e-6);
    }
  }

  describe.each(Object.keys(MODELS))("%s", (name) => {
    it.each([1, 5, 300])("writes after a prompt of %i tokens what forward() leads to", async (length) => {
      const model = createModel(name);
      const prompt = randomIds(length, 3, MODELS[name].vocabSize);
      expectSameText(await write(model, prompt), await write(plain(model), prompt));
      model.free();
    });

    it("goes on with weights that change while it writes", async () => {
      const model = createModel(name);
      const prompt = Int32Array.of(2);
      const before = model.parameters().map((parameter) => parameter.toArray());
      const change = (done: number): void => {
        for (const [i, parameter] of model.parameters().entries()) {
          if (done === 0) parameter.set(before[i]);
          else if (done === 10 + i) parameter.set(random(parameter.size, i, 0.5));
        }
      };
      expectSameText(await write(model, prompt, change), await write(plain(model), prompt, change));
      model.free();
    });
  });

  it(`reads a token alone with the bits of the ${build} build's forward()`, async () => {
    const model = createModel("gru, two layers");
    const bits = async (of: Generative) =>
      (await write(of, Int32Array.of(1))).map((token) => token.probability);
    expect(await bits(model)).toEqual(await bits(plain(model)));
    model.free();
  });

  it("splits a large model's products as forward() does, for threads", async () => {
    const own = await createEngine({ seed: 4, threads: 2 });
    own.smallestPart = 0;
    const model = new LanguageModel(own, { vocabSize: 300, hiddenSize: 150, numLayers: 2 }).eval();
    const prompt = Int32Array.of(7);
    expectSameText(await write(model, prompt), await write(plain(model), prompt));
    own.close();
  });

  it("leaves a class of one's own its forward()", async () => {
    class Certain extends LanguageModel {
      override forward(...args: Parameters<LanguageModel["forward"]>) {
        const { logits, state } = super.forward(...args);
        return { logits: scale(logits, 1000), state };
      }
    }
    const model = new Certain(engine, { vocabSize: 13, hiddenSize: 18 }).eval();
    const tokens = await write(model, Int32Array.of(1));
    // The untrained network alone is certain of nothing.
    expect(tokens.filter(({ probability }) => probability > 0.9).length).toBeGreaterThan(20);
    model.free();
  });

  it("refuses unknown ids wherever they stand, and to open within a step", async () => {
    const model = createModel("lstm");
    for (const prompt of [[13], [1, 13], [-1, 1]]) {
      await expect(generate(model, prompt).next()).rejects.toThrow(ConfigError);
    }
    let opened: Promise<unknown> | undefined;
    engine.infer(() => {
      opened = generate(model, [1]).next();
      opened.catch(() => {});
    });
    await expect(opened).rejects.toThrow(/steps do not nest/);
    model.free();
  });

  it("needs a model that is still there", async () => {
    const model = createModel("lstm");
    const writing = generate(model, [1]);
    await writing.next();
    model.free();
    await expect(writing.next()).rejects.toThrow(EngineError);
  });
});
