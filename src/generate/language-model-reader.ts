import { KINDS } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { inEvaluation } from "../nn/evaluation.ts";
import { keptBias, keptProjection } from "../tensor/input-projection.ts";
import { keptPanels } from "../tensor/panels.ts";
import { GATES } from "../tensor/recurrent-pass.ts";
import type { Parameter } from "../tensor/tensor.ts";
import type { TextReader } from "./text.ts";
import { type LayerAddresses, type ModelAddresses, TokenPass } from "./token-pass.ts";

/**
 * Reads a text with a language model: a prompt's tokens together, with matmuls, then one after another without tensors.
 * What that reads of the weights is kept beside them, and made anew if they change meanwhile.
 */
export function openLanguageModel(model: LanguageModel): TextReader {
  const { engine, config } = model;
  const parameters = model.parameters();
  engine.checkIdle("generate()");
  engine.use(model.embedding.weight);
  const pass = new TokenPass(engine, config, model.rnn.stateSize);
  let version = -1;
  return {
    runner: engine,
    read(ids, temperature) {
      engine.checkIdle("generate()");
      engine.use(model.embedding.weight);
      let now = 0;
      for (const parameter of parameters) now += parameter.version;
      if (now !== version) pass.use(addressesOf(model));
      version = now;
      if (ids.length === 1) pass.read(ids[0]);
      else readTogether(model, pass, ids);
      return temperature === undefined ? undefined : pass.probabilities(temperature);
    },
    close() {
      if (!engine.isClosed) pass.close();
    },
  };
}

function readTogether(model: LanguageModel, pass: TokenPass, ids: Int32Array): void {
  const { engine, rnn, embedding } = model;
  for (const id of ids) pass.check(id);
  const { h, c } = pass.state;
  const step = () => {
    const before = {
      h: engine.tensor(h, [rnn.numLayers, 1, rnn.stateSize]),
      c: c.length ? engine.tensor(c, [rnn.numLayers, 1, rnn.hiddenSize]) : undefined,
    };
    const { state } = rnn.forward(embedding.lookup(engine.ids(ids, [ids.length, 1])), before);
    const read = (tensor?: { toArray(): Float32Array | Int32Array }) =>
      (tensor?.toArray() ?? new Float32Array()) as Float32Array;
    return { h: read(state.h), c: read(state.c) };
  };
  pass.state = inEvaluation(model, () => engine.infer(step));
}

/** Where the weights lie, in panels if the engine multiplies a vector faster from those. */
function addressesOf(model: LanguageModel): ModelAddresses {
  const { engine, embedding, decoder } = model;
  const { numLayers, hiddenSize, cell } = model.config;
  const kind = KINDS[cell];
  const named = new Map(model.namedParameters());
  /** Of the rows from `from` on. */
  const panels = (tensor: Parameter, from = 0, rows = tensor.shape[0]): number => {
    const stride = tensor.shape[1];
    const matrix = { pointer: tensor.pointer + 4 * from * stride, stride, transposed: true, tensor };
    return engine.tallTiles ? keptPanels(engine, matrix, stride, rows) : 0;
  };
  const layerOf = (index: number): LayerAddresses => {
    const take = (name: string) => named.get(`rnn.${name}_l${index}`) as Parameter;
    const [weightIh, weightHh, biasIh, biasHh] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(take);
    const weightHr = named.get(`rnn.weight_hr_l${index}`);
    const layer = { engine, kind, weights: { weightIh, weightHh, biasIh, biasHh } };
    const projected = index === 0 ? keptProjection(layer, embedding.weight) : 0;
    const isGru = GATES[kind] === 3;
    return {
      projected,
      weightIh: weightIh.pointer,
      panelsIh: projected ? 0 : panels(weightIh),
      bias: projected ? 0 : keptBias(layer),
      candidateBias: isGru ? biasHh.pointer + 8 * hiddenSize : 0,
      weightHh: weightHh.pointer,
      panelsHh: panels(weightHh, 0, isGru ? 2 * hiddenSize : undefined),
      panelsSecond: isGru ? panels(weightHh, 2 * hiddenSize, hiddenSize) : weightHr ? panels(weightHr) : 0,
      weightHr: weightHr?.pointer ?? 0,
    };
  };
  return {
    embedding: embedding.weight.pointer,
    layers: Array.from({ length: numLayers }, (_, index) => layerOf(index)),
    decoder: decoder.weight.pointer,
    panelsDecoder: panels(decoder.weight),
    decoderBias: decoder.bias?.pointer ?? 0,
  };
}
