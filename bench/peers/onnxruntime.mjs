/** ONNX Runtime, in WebAssembly or native: it runs models and does not train. Operands and results cross a border. */
import { layerWeights, modelWeights, noise, THREADS } from "./data.mjs";
import { onnxModel } from "./onnx-model.mjs";

/** What both packages can do, `ort` being one of them. */
export function createPeer(ort) {
  const options = { intraOpNumThreads: THREADS, interOpNumThreads: 1, executionMode: "sequential" };
  const open = (model) => ort.InferenceSession.create(onnxModel(model), options);
  const float = (data, shape) => new ort.Tensor("float32", data, shape);

  return {
    async generate(workload) {
      const { embeddingSize, hiddenSize, vocabSize, length } = workload;
      const w = Object.fromEntries(modelWeights(workload).map(({ name, ...rest }) => [name, rest]));
      const layer = Object.fromEntries(
        Object.entries(w)
          .filter(([name]) => name.startsWith("rnn."))
          .map(([name, { data }]) => [name.slice("rnn.".length), data]),
      );
      const decoder = transpose(w["decoder.weight"].data, vocabSize, hiddenSize);
      const state = [1, 1, hiddenSize];
      const session = await open({
        inputs: [
          ["id", "int64", [1, 1]],
          ["h", "float32", state],
          ["c", "float32", state],
        ],
        outputs: [
          ["next", "int64", [1, 1]],
          ["h1", "float32", state],
          ["c1", "float32", state],
        ],
        constants: [
          ["embedding", [vocabSize, embeddingSize], w["embedding.weight"].data],
          ...lstmConstants(layer, embeddingSize, hiddenSize),
          ["decoder", [hiddenSize, vocabSize], decoder],
          ["bias", [vocabSize], w["decoder.bias"].data],
        ],
        nodes: [
          { op: "Gather", inputs: ["embedding", "id"], outputs: ["x"] },
          lstmNode(hiddenSize, ["h", "c"], ["", "h1", "c1"]),
          { op: "MatMul", inputs: ["h1", "decoder"], outputs: ["product"] },
          { op: "Add", inputs: ["product", "bias"], outputs: ["logits"] },
          { op: "ArgMax", inputs: ["logits"], outputs: ["next"], attributes: { axis: -1, keepdims: 0 } },
        ],
      });
      return async () => {
        const ids = [];
        let id = new ort.Tensor("int64", BigInt64Array.of(0n), [1, 1]);
        let h = float(new Float32Array(hiddenSize), state);
        let c = float(new Float32Array(hiddenSize), state);
        for (let i = 0; i < length; i++) {
          ({ next: id, h1: h, c1: c } = await session.run({ id, h, c }));
          ids.push(Number(id.data[0]));
        }
        return ids;
      };
    },

    async forward({ batchSize, steps, inputSize, hiddenSize }) {
      const weights = layerWeights("lstm", inputSize, hiddenSize, 0, 10);
      const session = await open({
        inputs: [["x", "float32", [steps, batchSize, inputSize]]],
        outputs: [["y", "float32", [steps, 1, batchSize, hiddenSize]]],
        constants: lstmConstants(
          Object.fromEntries(weights.map(({ name, data }) => [name, data])),
          inputSize,
          hiddenSize,
        ),
        nodes: [lstmNode(hiddenSize, [], ["y"])],
      });
      const x = float(noise(steps * batchSize * inputSize, 1), [steps, batchSize, inputSize]);
      return async () => (await session.run({ x })).y.data;
    },

    async gemm({ m, k, n }) {
      const session = await open({
        inputs: [
          ["a", "float32", [m, k]],
          ["b", "float32", [k, n]],
        ],
        outputs: [["y", "float32", [m, n]]],
        constants: [],
        nodes: [{ op: "MatMul", inputs: ["a", "b"], outputs: ["y"] }],
      });
      const a = float(noise(m * k, 1), [m, k]);
      const b = float(noise(k * n, 2), [k, n]);
      return async () => (await session.run({ a, b })).y.data;
    },

    async unary({ operation, count }) {
      const session = await open({
        inputs: [["x", "float32", [count]]],
        outputs: [["y", "float32", [count]]],
        constants: [],
        nodes: [{ op: { tanh: "Tanh", sigmoid: "Sigmoid" }[operation], inputs: ["x"], outputs: ["y"] }],
      });
      const x = float(noise(count, 1, 8), [count]);
      return async () => (await session.run({ x })).y.data;
    },
  };
}

function lstmNode(hiddenSize, state, outputs) {
  const first = ["x", "W", "R", "B"];
  // The input between the biases and the state would be the rows' lengths.
  const inputs = state.length > 0 ? [...first, "", ...state] : first;
  return { op: "LSTM", inputs, outputs, attributes: { hidden_size: hiddenSize } };
}

/** PyTorch's layer as ONNX has it: gates in the order i, o, f, g, and both biases in one tensor. */
function lstmConstants(weights, inputSize, hiddenSize) {
  const gates = (name, columns) => {
    const data = weights[`${name}_l0`];
    const size = hiddenSize * columns;
    const reordered = new Float32Array(data.length);
    for (const [to, from] of [0, 3, 1, 2].entries()) {
      reordered.set(data.subarray(from * size, (from + 1) * size), to * size);
    }
    return reordered;
  };
  const biases = Float32Array.of(...gates("bias_ih", 1), ...gates("bias_hh", 1));
  return [
    ["W", [1, 4 * hiddenSize, inputSize], gates("weight_ih", inputSize)],
    ["R", [1, 4 * hiddenSize, hiddenSize], gates("weight_hh", hiddenSize)],
    ["B", [1, 8 * hiddenSize], biases],
  ];
}

function transpose(data, rows, columns) {
  return Float32Array.from(
    { length: data.length },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)],
  );
}
