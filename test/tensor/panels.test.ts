import { beforeAll, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { GRU, Linear, LSTM, type Module } from "../../src/nn/index.ts";
import { loadStateDict, stateDict } from "../../src/nn/state-dict.ts";
import { linear } from "../../src/tensor/matmul.ts";
import { sum } from "../../src/tensor/reduce.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { SGD } from "../../src/train/optimizers.ts";
import { expectSameBits } from "../helpers/close.ts";
import { forEachBuild } from "../helpers/engines.ts";
import { random } from "../helpers/random.ts";

const STEPS = 2;
const BATCH = 3;
const INPUTS = 5;

interface Layer {
  layer: Module;
  forward(x: Tensor): Tensor;
}

const LAYERS: Record<string, (engine: Engine) => Layer> = {
  linear: (engine) => {
    const layer = new Linear(engine, { inputSize: INPUTS, outputSize: 9 });
    return { layer, forward: (x) => layer.forward(x) };
  },
  "gru in both directions": (engine) => {
    const layer = new GRU(engine, { inputSize: INPUTS, hiddenSize: 7, bidirectional: true });
    return { layer, forward: (x) => layer.forward(x).output };
  },
  "lstm with a projection": (engine) => {
    const layer = new LSTM(engine, { inputSize: INPUTS, hiddenSize: 9, projSize: 4, numLayers: 2 });
    return { layer, forward: (x) => layer.forward(x).output };
  },
};

forEachBuild((_, createEngine) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1 });
  });

  const shape = [STEPS, BATCH, INPUTS];
  const data = random(STEPS * BATCH * INPUTS, 1);
  const infer = ({ forward }: Layer): Float32Array =>
    engine.infer(() => forward(engine.tensor(data, shape)).toArray() as Float32Array);
  /** What a layer of its own, without any history, makes of the same weights. */
  const fresh = (make: (engine: Engine) => Layer, layer: Module): Float32Array => {
    const other = make(engine);
    loadStateDict(other.layer, stateDict(layer));
    const output = infer(other);
    other.layer.free();
    return output;
  };

  for (const [name, make] of Object.entries(LAYERS)) {
    it(`keeps the panels of a ${name} for inference, and no longer than its weights`, () => {
      const before = engine.memory.persistentBytes;
      const one = make(engine);
      const { layer, forward } = one;
      const withoutPanels = engine.memory.persistentBytes;
      const first = infer(one);
      expect(engine.memory.persistentBytes, "after one call").toBe(withoutPanels);
      expectSameBits(infer(one), first);
      const kept = engine.memory.persistentBytes;
      expect(kept, "after two").toBeGreaterThan(withoutPanels);
      expectSameBits(infer(one), first);
      expectSameBits(infer(one), first);
      expect(engine.memory.persistentBytes, "after four").toBe(kept);

      const parameters = layer.parameters();
      const optimizer = new SGD(parameters, { learningRate: 0.1 });
      const withOptimizer = engine.memory.persistentBytes;
      for (let step = 0; step < 3; step++) {
        engine.step(() => {
          layer.zeroGradients();
          sum(forward(engine.tensor(data, shape))).backward();
          optimizer.step();
        });
        expect(engine.memory.persistentBytes, "after training").toBe(withOptimizer - (kept - withoutPanels));
        infer(one);
        infer(one);
        expect(engine.memory.persistentBytes, "after inference").toBe(withOptimizer);
        const trained = infer(one);
        expect(trained).not.toEqual(first);
        expectSameBits(trained, fresh(make, layer), `after step ${step}`);
      }
      parameters[0].set(random(parameters[0].size, 7));
      expectSameBits(infer(one), fresh(make, layer), "after set()");

      optimizer.free();
      layer.free();
      expect(engine.memory.persistentBytes, "after free()").toBe(before);
    });
  }

  it("keeps panels of the same weights apart by their sizes", () => {
    const gru = new GRU(engine, { inputSize: INPUTS, hiddenSize: 7 });
    const weight = gru.parameters()[1];
    const x = random(BATCH * 7, 3);
    const product = (): Float32Array =>
      engine.infer(() => linear(engine.tensor(x, [BATCH, 7]), weight).toArray() as Float32Array);
    const expected = product();
    gru.parameters()[0].changed();
    for (let i = 0; i < 3; i++) infer({ layer: gru, forward: (x) => gru.forward(x).output });
    for (let i = 0; i < 3; i++) expectSameBits(product(), expected);
    gru.free();
  });

  it("packs anew after a view of the weights was set", () => {
    const { layer, forward } = LAYERS.linear(engine);
    const before = infer({ layer, forward });
    infer({ layer, forward });
    const [weight] = layer.parameters();
    weight.view([INPUTS], INPUTS).set(random(INPUTS, 9));
    const after = infer({ layer, forward });
    expect(after).not.toEqual(before);
    expectSameBits(after, fresh(LAYERS.linear, layer));
    layer.free();
  });

  it("packs anew while weights change at every call, as in training", () => {
    const { layer, forward } = LAYERS.linear(engine);
    const without = engine.memory.persistentBytes;
    for (let i = 0; i < 4; i++) {
      infer({ layer, forward });
      engine.step(() => forward(engine.tensor(data, shape)).toArray());
      layer.parameters()[0].changed();
    }
    expect(engine.memory.persistentBytes).toBe(without);
    layer.free();
  });
});
