/**
 * brain.js, whose networks read one sequence at a time: no batch, an optimizer of their own, and rows of numbers only
 * once that has trained them, so nothing but generation here. What it calls an LSTM keeps no cell: the forget gate acts on the state before. The matmuls and activations are
 * an LSTM's, the results are others, so they are not compared.
 */
import { readFileSync } from "node:fs";
import brain from "brain.js";
import { modelWeights } from "./data.mjs";

const packageFile = new URL("node_modules/brain.js/package.json", import.meta.url);
export const name = `brain.js ${JSON.parse(readFileSync(packageFile, "utf8")).version}`;
export const note =
  "its LSTM keeps no cell (the forget gate acts on the state before): as much arithmetic, other results, not " +
  "compared. It takes no batches, has an optimizer of its own, and reads rows of numbers only after its own training: W5 alone";

/** PyTorch's gates in its order i, f, g, o under the names that they have here. */
const GATES = ["input", "forget", "cellActivation", "output"];

/** Sets the weights of a network of one layer; here one bias does what PyTorch's two do. */
function setWeights(net, weights, inputSize, hiddenSize) {
  const [layer] = net.model.hiddenLayers;
  const take = (part, gate, columns) => {
    const { data } = weights.find(({ name }) => name.endsWith(`${part}_l0`));
    return data.subarray(gate * hiddenSize * columns, (gate + 1) * hiddenSize * columns);
  };
  for (const [i, gate] of GATES.entries()) {
    const inner = take("bias_hh", i, 1);
    layer[`${gate}Matrix`].weights.set(take("weight_ih", i, inputSize));
    layer[`${gate}Hidden`].weights.set(take("weight_hh", i, hiddenSize));
    layer[`${gate}Bias`].weights.set(take("bias_ih", i, 1).map((bias, k) => bias + inner[k]));
  }
}

export function generate(workload) {
  const { embeddingSize, hiddenSize, vocabSize, length } = workload;
  // Token 0 is its mark of start and end, which it counts by itself.
  const net = new brain.recurrent.LSTM({
    inputSize: embeddingSize,
    inputRange: vocabSize - 1,
    hiddenLayers: [hiddenSize],
    outputSize: vocabSize - 1,
    dataFormatter: null,
  });
  net.initialize();
  const weights = modelWeights(workload);
  const take = (wanted) => weights.find(({ name }) => name === wanted).data;
  setWeights(net, weights, embeddingSize, hiddenSize);
  net.model.input.weights.set(take("embedding.weight"));
  net.model.outputConnector.weights.set(take("decoder.weight"));
  net.model.output.weights.set(take("decoder.bias"));
  const { equations } = net.model;
  // As its run() does, which would stop at token 0.
  return () => {
    let id = 0;
    for (let i = 0; i < length; i++) {
      if (equations.length <= i) net.bindEquation();
      const logits = equations[i].runIndex(id).weights;
      id = 0;
      for (let v = 1; v < vocabSize; v++) if (logits[v] > logits[id]) id = v;
    }
  };
}
