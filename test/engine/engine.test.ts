import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEngine, type Engine, type EngineOptions } from "../../src/engine/engine.ts";
import { ConfigError, EngineError, ShapeError } from "../../src/errors.ts";
import { Linear, LSTM } from "../../src/nn/index.ts";
import {
  add,
  concat,
  crossEntropy,
  embedding,
  exp,
  linear,
  matmul,
  mean,
  mul,
  reshape,
  slice,
  softmax,
  sum,
  tanh,
} from "../../src/tensor/ops.ts";
import { recurrent } from "../../src/tensor/recurrent.ts";
import { Parameter, type Tensor } from "../../src/tensor/tensor.ts";
import { random } from "../helpers/random.ts";

const MiB = 1 << 20;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ numerics: "reproducible" });
});
afterAll(() => engine.close());

/** The error that `body` throws, after checking its type: vitest checks either the type or the message. */
function errorOf(body: () => unknown, type: new (message: string) => Error): string {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    expect((error as Error).name).toBe(type.name);
    return (error as Error).message;
  }
  return expect.fail(`expected ${type.name}, nothing was thrown`);
}

const vector = (values: number[], of = engine): Tensor => of.tensor(values, [values.length]);

describe("options", () => {
  const wrong: [string, EngineOptions, RegExp][] = [
    ["unknown numerics", { numerics: "exact" as "fast" }, /"fast" or "reproducible", got "exact"/],
    ["a negative seed", { seed: -1 }, /seed must be an integer from 0 to 9007199254740991, got -1/],
    ["a fractional seed", { seed: 0.5 }, /got 0\.5/],
    ["a seed past 2⁵³", { seed: 2 ** 53 }, /got 9007199254740992/],
    ["too little memory", { maximumMemory: MiB }, /at least 2 MiB \(2097152 bytes\), got 1048576/],
    ["no threads", { threads: 0 }, /threads must be an integer from 1 to 64, got 0/],
    ["half a thread", { threads: 1.5 }, /got 1\.5/],
    ["too many threads", { threads: 65 }, /got 65/],
    ["memory that is no number", { maximumMemory: Number.NaN }, /got NaN/],
  ];
  for (const [name, options, message] of wrong) {
    it(`refuse ${name}`, async () => {
      const error = await createEngine(options).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).message).toMatch(message);
    });
  }

  it("are optional", async () => {
    const engine = await createEngine();
    expect(engine.random.state).toEqual({ seed: 0, block: 0 });
    engine.close();
  });

  it("take the simd build where numerics are reproducible", () => {
    expect(engine.build).toBe("simd");
  });
});

describe("steps", () => {
  it("return what their function returns", () => {
    expect(engine.step(() => 7)).toBe(7);
    expect(engine.infer(() => "x")).toBe("x");
  });

  it("end the tensors made in them", () => {
    const y = engine.step(() => tanh(engine.zeros([2, 3])));
    expect(y.isAlive).toBe(false);
    for (const use of [() => y.toArray(), () => y.set(new Float32Array(6)), () => y.item()]) {
      expect(() => use()).toThrow();
    }
    const message = errorOf(() => y.toArray(), EngineError);
    expect(message).toMatch(/tanh \[2,3\] was used after its step ended.*engine\.keep/);
    engine.infer(() => expect(errorOf(() => exp(y), EngineError)).toContain("tanh [2,3]"));
    engine.step(() =>
      expect(errorOf(() => sum(mul(engine.zeros([2, 3]), y)), EngineError)).toContain("tanh"),
    );
    engine.step(() => expect(errorOf(() => engine.keep(y), EngineError)).toContain("tanh"));
  });

  it("end views and gradients too", () => {
    const [view, gradient] = engine.step(() => {
      const x = engine.zeros([6]);
      x.requiresGrad = true;
      sum(x).backward();
      return [reshape(x, [2, 3]), x.gradient];
    });
    expect(errorOf(() => view.toArray(), EngineError)).toContain("[2,3]");
    expect(errorOf(() => gradient.toArray(), EngineError)).toContain("[6]");
  });

  it("refuse a function that returns a Promise", () => {
    for (const phase of ["step", "infer"] as const) {
      const message = errorOf(() => engine[phase](async () => 1), EngineError);
      expect(message).toContain(`engine.${phase}() returned a Promise`);
      expect(() => engine[phase](() => Promise.reject(new Error("lost")))).toThrow(EngineError);
    }
    expect(engine.step(() => 1)).toBe(1);
  });

  it("do not nest", () => {
    for (const outer of ["step", "infer"] as const) {
      for (const inner of ["step", "infer"] as const) {
        const message = errorOf(() => engine[outer](() => engine[inner](() => 1)), EngineError);
        expect(message).toBe(`engine.${inner}() was called inside engine.${outer}(): steps do not nest`);
      }
    }
    expect(engine.step(() => 1)).toBe(1);
  });

  it("are where operations compute", () => {
    const before = engine.memory.persistentBytes;
    const x = vector([1, 2]);
    const message = errorOf(() => tanh(x), EngineError);
    expect(message).toMatch(/^tanh cannot be computed outside a step: .*engine\.infer.*engine\.step/);
    const layer = new LSTM(engine, { inputSize: 2, hiddenSize: 3 });
    const state = layer.zeroState(1);
    expect(errorOf(() => layer.forward(x.view([1, 1, 2]), state), EngineError)).toContain("outside a step");
    expect(engine.infer(() => tanh(x).toArray()[0])).toBeCloseTo(Math.tanh(1), 6);
    for (const tensor of [x, state.h, state.c, ...layer.parameters()]) tensor?.free();
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it("end when their function throws", () => {
    let lost: Tensor | undefined;
    const failing = (): void => {
      lost = engine.zeros([1]);
      throw new RangeError("mine");
    };
    expect(() => engine.step(failing)).toThrow(RangeError);
    expect(lost?.isAlive).toBe(false);
    expect(engine.tape).toBeUndefined();
    expect(engine.step(() => vector([1, 2]).toArray())).toEqual(Float32Array.of(1, 2));
  });

  it("refuse to make parameters", () => {
    for (const phase of ["step", "infer"] as const) {
      const make = (): void => engine[phase](() => void new Parameter(engine, [2]));
      expect(errorOf(make, EngineError)).toContain(`inside engine.${phase}(): make them before`);
      expect(() => engine[phase](() => new Linear(engine, { inputSize: 2, outputSize: 2 }))).toThrow(
        EngineError,
      );
    }
  });

  it("are needed for backward()", () => {
    const x = vector([1]);
    x.requiresGrad = true;
    expect(errorOf(() => x.backward(), EngineError)).toContain("engine.step");
    engine.infer(() => expect(errorOf(() => sum(x).backward(), EngineError)).toContain("engine.step"));
    engine.step(() => {
      const message = errorOf(() => vector([1, 2]).backward(), ShapeError);
      expect(message).toBe("backward(): expected a loss of one element, got tensor [2]");
    });
    x.free();
  });

  it("run backward once, from what a gradient can flow into", () => {
    const parameter = new Parameter(engine, [2]);
    engine.step(() => {
      const other = sum(exp(parameter));
      sum(parameter).backward();
      expect(errorOf(() => other.backward(), EngineError)).toContain("add the losses up");
      expect([...parameter.gradient.toArray()]).toEqual([1, 1]);
    });
    engine.step(() => {
      const message = errorOf(() => sum(vector([1, 2])).backward(), EngineError);
      expect(message).toContain("requires a gradient");
    });
    parameter.free();
  });

  it("give a tensor that lives on a gradient of their own each", () => {
    const x = vector([3, 4]);
    x.requiresGrad = true;
    for (let i = 0; i < 3; i++) {
      engine.step(() => {
        const bystander = vector([7, 7, 7, 7]);
        sum(mul(x, x)).backward();
        expect([...x.gradient.toArray()]).toEqual([6, 8]);
        expect([...bystander.toArray()]).toEqual([7, 7, 7, 7]);
      });
      expect(x.hasGradient).toBe(false);
      expect(errorOf(() => x.gradient, EngineError)).toContain("read it inside engine.step()");
    }
    x.free();
    const lost = engine.step(() => {
      const y = exp(vector([1]));
      y.requiresGrad = true;
      return y;
    });
    const { persistentBytes } = engine.memory;
    expect(errorOf(() => lost.gradient, EngineError)).toContain("after its step ended");
    expect(engine.memory.persistentBytes).toBe(persistentBytes);
  });

  it("record nothing in infer()", () => {
    const parameter = new Parameter(engine, [2]);
    engine.infer(() => expect(exp(parameter).requiresGrad).toBe(false));
    engine.step(() => expect(exp(parameter).requiresGrad).toBe(true));
    parameter.free();
  });
});

describe("keep", () => {
  it("carries values out of a step", () => {
    const kept = engine.step(() => {
      const x = vector([1, 2, 3]);
      x.requiresGrad = true;
      const kept = engine.keep(mul(x, x));
      expect([...kept.toArray()]).toEqual([1, 4, 9]);
      return kept;
    });
    expect(kept.requiresGrad).toBe(false);
    engine.step(() => engine.zeros([1000]));
    expect([...kept.toArray()]).toEqual([1, 4, 9]);
    expect(engine.infer(() => [...add(kept, kept).toArray()])).toEqual([2, 8, 18]);
    kept.free();
    expect(errorOf(() => kept.toArray(), EngineError)).toContain("or it was freed");
  });

  it("carries ids and views", () => {
    const [ids, view] = engine.infer(() => [
      engine.keep(engine.ids([5, -1], [2])),
      engine.keep(slice(vector([1, 2, 3, 4]), 0, 1, 3)),
    ]);
    expect(ids.toArray()).toEqual(Int32Array.of(5, -1));
    expect(view.toArray()).toEqual(Float32Array.of(2, 3));
    ids.free();
    view.free();
  });

  it("reuses the memory of `previous`", () => {
    const before = engine.memory.persistentBytes;
    let state = engine.step(() => engine.keep(vector([1, 1])));
    const one = engine.memory.persistentBytes;
    for (let i = 0; i < 5; i++) {
      const previous = state;
      state = engine.step(() => engine.keep(add(previous, previous), previous));
      expect(previous.isAlive).toBe(false);
      expect(engine.memory.persistentBytes).toBe(one);
    }
    expect([...state.toArray()]).toEqual([32, 32]);
    state.free();
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it("gives `previous` back when the size has changed", () => {
    const before = engine.memory.persistentBytes;
    const previous = engine.step(() => engine.keep(engine.zeros([500])));
    const next = engine.step(() => engine.keep(vector([1, 2]), previous));
    expect(previous.isAlive).toBe(false);
    expect([...next.toArray()]).toEqual([1, 2]);
    next.free();
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it("takes memory of its own without `previous`", () => {
    const a = engine.step(() => engine.keep(vector([1])));
    const b = engine.step(() => engine.keep(vector([2])));
    expect([a.item(), b.item()]).toEqual([1, 2]);
    a.free();
    b.free();
  });

  it("gives `previous` to one tensor alone", () => {
    const previous = engine.step(() => engine.keep(vector([1, 2])));
    const kept = engine.step(() => {
      const first = engine.keep(vector([3, 4]), previous);
      for (const other of [[5, 6], [5]]) {
        const message = errorOf(() => engine.keep(vector(other), previous), EngineError);
        expect(message).toContain("already given up");
      }
      return first;
    });
    expect([...kept.toArray()]).toEqual([3, 4]);
    kept.free();
  });

  it("gives up what was kept before in the same step", () => {
    const before = engine.memory.persistentBytes;
    const old = engine.step(() => engine.keep(vector([1, 2])));
    for (const first of [undefined, old]) {
      const last = engine.step(() => {
        const early = engine.keep(vector([3, 4]), first);
        return engine.keep(add(early, early), early);
      });
      expect([...last.toArray()]).toEqual([6, 8]);
      last.free();
    }
    expect(old.isAlive).toBe(false);
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it("keeps nothing of a step that throws, whose `previous` lives on", () => {
    const previous = engine.step(() => engine.keep(vector([1, 2])));
    const before = engine.memory.persistentBytes;
    const failing = (): void => {
      engine.keep(vector([3, 4]), previous);
      engine.keep(vector([5]));
      throw new RangeError("mine");
    };
    expect(() => engine.step(failing)).toThrow(RangeError);
    expect([...previous.toArray()]).toEqual([1, 2]);
    expect(engine.memory.persistentBytes).toBe(before);
    previous.free();
  });

  it("does not write to where `previous` was, if that is freed in the same step", () => {
    const previous = engine.step(() => engine.keep(vector([1, 2])));
    const kept = engine.step(() => {
      const kept = engine.keep(vector([8, 9]), previous);
      previous.free();
      return kept;
    });
    const other = vector([3, 4]);
    expect([...kept.toArray(), ...other.toArray()]).toEqual([8, 9, 3, 4]);
    kept.free();
    other.free();
  });

  it("takes nothing for `previous` whose memory is not its own", () => {
    const base = vector([1, 2]);
    const parameter = new Parameter(engine, [2]);
    engine.step(() => {
      for (const wrong of [base.view([1]), parameter, vector([7, 8])]) {
        const message = errorOf(() => engine.keep(vector([3, 4]), wrong), EngineError);
        expect(message).toMatch(/expected an earlier result of it as `previous`, got .* \[\d\]/);
      }
    });
    expect([...base.toArray()]).toEqual([1, 2]);
    base.free();
    parameter.free();
  });

  it("is for steps", () => {
    const x = vector([1]);
    expect(errorOf(() => engine.keep(x), EngineError)).toContain("inside engine.step()");
    x.free();
  });
});

describe("memory", () => {
  it("gives the arena what was freed at its start, in a step's midst when that ends", async () => {
    const engine = await createEngine({ threads: 1 });
    const start = engine.infer(() => engine.zeros([1]).pointer);
    const [low, high, last] = [engine.zeros([100]), engine.zeros([1000]), engine.zeros([10])];
    expect(engine.infer(() => engine.zeros([1]).pointer)).toBeGreaterThan(last.pointer);
    last.free();
    low.free();
    expect(engine.infer(() => engine.zeros([1]).pointer)).toBe(last.pointer);
    engine.infer(() => high.free());
    expect(engine.infer(() => engine.zeros([1]).pointer)).toBe(start);
    engine.close();
  });

  it("stays flat from step to step", async () => {
    const engine = await createEngine({ numerics: "reproducible" });
    const layer = new LSTM(engine, { inputSize: 3, hiddenSize: 4, numLayers: 2, dropout: 0.5 });
    const output = new Linear(engine, { inputSize: 4, outputSize: 5 });
    let h: Tensor | undefined;
    let c: Tensor | undefined;
    const train = (): void =>
      engine.step(() => {
        const x = engine.tensor(random(12, 1), [2, 2, 3]);
        const result = layer.forward(x, h && { h, c });
        h = engine.keep(result.state.h, h);
        c = engine.keep(result.state.c!, c);
        const logits = output.forward(result.output);
        crossEntropy(logits, engine.ids([0, 1, 2, 3], [2, 2])).backward();
      });
    const sizes = (): number[] => [engine.memory.bytes, engine.memory.persistentBytes];
    for (let i = 0; i < 10; i++) train();
    const start = sizes();
    for (let i = 10; i < 2000; i++) {
      train();
      if (i % 100 === 0) expect(sizes()).toEqual(start);
    }
    expect(sizes()).toEqual(start);
    engine.close();
  });

  it("is reused after free(), and free() twice does no harm", () => {
    const before = engine.memory.persistentBytes;
    const a = vector([1, 2]);
    a.free();
    const b = vector([3, 4]);
    a.free();
    const c = vector([5, 6]);
    expect([...b.toArray(), ...c.toArray()]).toEqual([3, 4, 5, 6]);
    expect(errorOf(() => a.toArray(), EngineError)).toContain("or it was freed");
    b.free();
    c.free();
    expect(engine.memory.persistentBytes).toBe(before);
  });

  it("does not belong to a view", () => {
    const x = vector([1, 2]);
    const view = x.view([2, 1]);
    view.free();
    const y = vector([3, 4]);
    expect([...view.toArray(), ...y.toArray()]).toEqual([1, 2, 3, 4]);
    x.free();
    y.free();
    expect(view.isAlive).toBe(false);
  });

  it("gives zeros to what lives on", () => {
    const a = engine.tensor(random(50, 1), [50]);
    a.free();
    const parameter = new Parameter(engine, [50]);
    expect(parameter.toArray()).toEqual(new Float32Array(50));
    expect(parameter.gradient.toArray()).toEqual(new Float32Array(50));
    parameter.free();
  });

  it("may grow in a step without hurting tensors, views and gradients", async () => {
    const run = async (grow: boolean): Promise<Float32Array[]> => {
      const engine = await createEngine({ numerics: "reproducible" });
      const weights = new Parameter(engine, [5, 4]);
      weights.set(random(20, 2));
      const fill = (floats: number): void => {
        const bytes = engine.memory.bytes;
        if (grow) engine.empty([floats], "f32", "filler");
        if (grow) expect(engine.memory.bytes).toBeGreaterThan(bytes);
      };
      const results = engine.step(() => {
        const x = engine.tensor(random(24, 1), [6, 4]);
        x.requiresGrad = true;
        const view = slice(x, 0, 1, 4);
        fill(MiB);
        const y = tanh(linear(view, weights));
        const row = reshape(y, [15]);
        fill(MiB);
        mean(mul(row, exp(row))).backward();
        fill(2 * MiB);
        return [x, view, y, row, x.gradient, view.gradient, weights.gradient].map((t) => t.toArray());
      });
      engine.close();
      return results as Float32Array[];
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it("may grow while a gradient is computed", async () => {
    const engine = await createEngine({ numerics: "reproducible" });
    // Two tensors forward; three more backward do not fit into what a growth by a quarter leaves.
    const size = 200_000;
    engine.step(() => {
      const x = engine.tensor(new Float32Array(size).fill(2), [size]);
      x.requiresGrad = true;
      const y = mul(x, x);
      const loss = sum(y);
      const bytes = engine.memory.bytes;
      loss.backward();
      expect(engine.memory.bytes).toBeGreaterThan(bytes);
      expect(new Set(x.gradient.toArray())).toEqual(new Set([4]));
    });
    engine.close();
  });

  it("works past 2 GiB, where addresses as signed numbers are negative", async () => {
    const engine = await createEngine({ numerics: "reproducible" });
    const work = (): Float32Array[] => {
      const x = engine.tensor(random(24, 1), [2, 3, 4]);
      x.requiresGrad = true;
      const state = engine.tensor(random(15, 2), [3, 5]);
      const weightIh = engine.tensor(random(20, 3), [5, 4]);
      const weightHh = engine.tensor(random(25, 4), [5, 5]);
      const { output } = recurrent("rnn-tanh", x, state, undefined, { weightIh, weightHh });
      const loss = crossEntropy(output, engine.ids([0, -1, 2, 3, 4, 0], [2, 3]));
      loss.backward();
      return [output, loss, x.gradient].map((tensor) => tensor.toArray() as Float32Array);
    };
    const low = engine.step(work);
    const high = engine.step(() => {
      const filler = engine.empty([2 ** 29], "f32", "filler");
      expect(filler.pointer + 4 * filler.size).toBeGreaterThan(2 ** 31);
      const ids = engine.ids([7], [1]);
      expect(errorOf(() => embedding(engine.zeros([3, 2]), ids), ShapeError)).toContain("got 7");
      return work();
    });
    expect(high).toEqual(low);
    const kept = engine.step(() => {
      engine.empty([2 ** 29], "f32", "filler");
      return engine.keep(exp(engine.zeros([3])));
    });
    expect([...kept.toArray()]).toEqual([1, 1, 1]);
    engine.close();
  });

  it("runs out with an error that says how much, and the engine goes on", async () => {
    const engine = await createEngine({ numerics: "reproducible", maximumMemory: 4 * MiB });
    const inStep = errorOf(() => engine.step(() => engine.zeros([2 * MiB])), EngineError);
    expect(inStep).toMatch(/^out of memory: 8\.0 MiB were asked for on top of \d+ KiB in use/);
    expect(inStep).toContain("a smaller batch, sequence length or model would fit");
    expect(errorOf(() => new Parameter(engine, [2 * MiB]), EngineError)).toContain("8.0 MiB were asked for");
    expect(errorOf(() => engine.zeros([2 ** 40]), EngineError)).toContain("out of memory");
    expect(errorOf(() => new Parameter(engine, [2 ** 24, 2 ** 24]), EngineError)).toContain("out of memory");
    expect(engine.memory.bytes).toBeLessThanOrEqual(4 * MiB);
    expect([...engine.step(() => vector([1, 2], engine).toArray())]).toEqual([1, 2]);
    engine.close();
  });
});

describe("a closed engine", () => {
  it("refuses everything", async () => {
    const engine = await createEngine();
    const tensor = vector([1], engine);
    const parameter = new Parameter(engine, [1]);
    engine.close();
    expect(engine.isClosed).toBe(true);
    const uses: (() => unknown)[] = [
      () => engine.step(() => 1),
      () => engine.infer(() => 1),
      () => vector([1], engine),
      () => engine.ids([1], [1]),
      () => engine.zeros([1]),
      () => engine.keep(tensor),
      () => new Parameter(engine, [1]),
      () => tensor.toArray(),
      () => tensor.set([1]),
      () => exp(tensor),
      () => parameter.toArray(),
    ];
    for (const use of uses) expect(errorOf(use, EngineError)).toBe("the engine was closed");
    engine.close();
  });
});

describe("two engines", () => {
  it("do not mix", async () => {
    const other = await createEngine({ numerics: "reproducible" });
    const mine = engine.tensor([1, 2, 3, 4], [2, 2]);
    const theirs = other.tensor([1, 2, 3, 4], [2, 2]);
    const theirIds = other.ids([0, 1], [2]);
    const theirRow = vector([1, 2], other);
    const block = engine.zeros([1, 2, 2]);
    const mixes: (() => unknown)[] = [
      () => add(mine, theirs),
      () => mul(mine, theirRow),
      () => matmul(mine, theirs),
      () => linear(mine, theirs),
      () => linear(mine, mine, theirRow),
      () => embedding(mine, theirIds),
      () => crossEntropy(mine, theirIds),
      () => concat([mine, theirs], 0),
      () => recurrent("rnn-tanh", block, theirs, undefined, { weightIh: mine, weightHh: mine }),
      () => recurrent("rnn-tanh", block, mine, undefined, { weightIh: mine, weightHh: theirs }),
      () => engine.keep(theirs),
      () => engine.keep(add(mine, mine), theirs),
    ];
    for (const mix of mixes) {
      const message = errorOf(() => engine.infer(() => mix()), EngineError);
      expect(message).toContain("belongs to another engine");
    }
    expect([...other.infer(() => add(theirs, theirs).toArray())]).toEqual([2, 4, 6, 8]);
    for (const tensor of [mine, block]) tensor.free();
    other.close();
  });
});

describe("shape errors say what was expected and what came", () => {
  const at = (shape: number[]): Tensor => engine.zeros(shape);
  const cases: [string, () => unknown, RegExp][] = [
    ["tensor", () => engine.tensor([1, 2], [3]), /expected 3 elements for the shape \[3\], got 2/],
    ["tensor, empty", () => engine.tensor([], [0]), /expected a shape of positive integers, got \[0\]/],
    ["ids", () => engine.ids([1, 2, 3], [2]), /engine\.ids: expected 2 elements .* got 3/],
    ["zeros", () => at([2, -1]), /engine\.zeros: expected a shape of positive integers, got \[2,-1\]/],
    ["zeros of a fraction", () => at([1.5]), /got \[1\.5\]/],
    ["set", () => at([2]).set([1]), /expected 2 elements for zeros \[2\], got 1/],
    ["item", () => at([2]).item(), /expected a tensor of one element, got zeros \[2\]/],
    [
      "matmul",
      () => matmul(at([2, 3]), at([2, 3])),
      /right side: expected the shape \[3, N\], got zeros \[2,3\]/,
    ],
    [
      "matmul of a vector",
      () => matmul(at([3]), at([3, 3])),
      /left side: expected the shape \[M, K\], got zeros \[3\]/,
    ],
    ["linear", () => linear(at([2, 3]), at([5, 4])), /expected a last dimension of 4 .* got zeros \[2,3\]/],
    [
      "linear's bias",
      () => linear(at([2, 4]), at([5, 4]), at([4])),
      /bias: expected the shape \[5\], got zeros \[4\]/,
    ],
    [
      "add",
      () => add(at([2, 3]), at([2])),
      /expected on the right the shape of zeros \[2,3\].*got zeros \[2\]/,
    ],
    [
      "mul",
      () => mul(at([3]), at([2, 3])),
      /expected on the right the shape of zeros \[3\].*got zeros \[2,3\]/,
    ],
    ["reshape", () => reshape(at([2, 3]), [4]), /expected a shape of 6 elements.*got \[4\]/],
    [
      "reshape to negatives",
      () => reshape(at([2, 3]), [-2, -3]),
      /expected a shape of positive integers, got \[-2,-3\]/,
    ],
    ["slice", () => slice(at([2, 3]), 1, 1, 4), /expected a range within 0 to 3.*got 1 to 4/],
    ["slice of nothing", () => slice(at([2, 3]), 1, 2, 2), /got 2 to 2/],
    ["slice's dimension", () => slice(at([2, 3]), 2, 0, 1), /expected a dimension from 0 to 1.*got 2/],
    [
      "concat",
      () => concat([at([2, 3]), at([2, 4])], 0),
      /expected the shape of zeros \[2,3\].*got zeros \[2,4\]/,
    ],
    ["concat of nothing", () => concat([], 0), /expected at least one tensor, got none/],
    ["softmax", () => softmax(at([])), /expected at least one dimension, got zeros \[\]/],
    [
      "embedding",
      () => embedding(at([3]), engine.ids([0], [1])),
      /expected the shape \[V, E\], got zeros \[3\]/,
    ],
    [
      "embedding of floats",
      () => embedding(at([3, 2]), at([1])),
      /expected a tensor of i32 .* got zeros \[1\] of f32/,
    ],
    ["tanh of ids", () => tanh(engine.ids([0], [1])), /expected a tensor of f32, got ids \[1\] of i32/],
    [
      "crossEntropy",
      () => crossEntropy(at([2, 3]), engine.ids([0], [1])),
      /targets: expected the shape \[2\], got ids \[1\]/,
    ],
    [
      "crossEntropy, transposed",
      () => crossEntropy(at([2, 3, 4]), engine.ids([0, 0, 0, 0, 0, 0], [3, 2])),
      /targets: expected the shape \[2, 3\], got ids \[3,2\]/,
    ],
    [
      "a layer's input",
      () =>
        recurrent("lstm", at([2, 3]), at([1, 1]), at([1, 1]), { weightIh: at([4, 3]), weightHh: at([4, 1]) }),
      /lstm, input: expected the shape \[T, B, 3\], got zeros \[2,3\]/,
    ],
    [
      "a layer's state",
      () =>
        recurrent("rnn-relu", at([2, 3, 4]), at([2, 5]), undefined, {
          weightIh: at([5, 4]),
          weightHh: at([5, 5]),
        }),
      /initial hidden state: expected the shape \[3, 5\], got zeros \[2,5\]/,
    ],
  ];
  for (const [name, body, message] of cases) {
    it(name, () => engine.infer(() => expect(errorOf(body, ShapeError)).toMatch(message)));
  }

  it("ids that are no integers", () => {
    for (const data of [[1, 1.5], [Number.NaN], [2 ** 32 + 1]]) {
      expect(errorOf(() => engine.ids(data, [data.length]), ShapeError)).toMatch(
        /expected integers of 32 bits, got/,
      );
    }
  });

  it("ids out of range", () => {
    engine.infer(() => {
      const table = at([3, 2]);
      for (const id of [3, -1, 2 ** 31 - 1]) {
        const message = errorOf(() => embedding(table, engine.ids([0, id], [2])), ShapeError);
        expect(message).toBe(`embedding: ids must be from 0 to 2, got ${id} at element 1 of ids [2]`);
      }
      const logits = at([2, 3]);
      const loss = (values: number[], options = {}): Tensor =>
        crossEntropy(logits, engine.ids(values, [2]), options);
      expect(errorOf(() => loss([0, 3]), ShapeError)).toMatch(/from 0 to 2, got 3 at element 1/);
      expect(errorOf(() => loss([-2, 0]), ShapeError)).toMatch(/from 0 to 2, got -2 at element 0/);
      expect(errorOf(() => loss([-1, 0], { ignoreIndex: -100 }), ShapeError)).toMatch(/got -1/);
      expect(errorOf(() => loss([-1, -1]), ShapeError)).toMatch(/every target is -1, which is ignored/);
      expect(loss([-1, 2]).item()).toBeCloseTo(Math.log(3), 6);
      expect(loss([-100, 2], { ignoreIndex: -100 }).item()).toBeCloseTo(Math.log(3), 6);
    });
  });
});
