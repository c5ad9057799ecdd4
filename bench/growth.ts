/**
 * W9: how the time of W1's training step grows when one of its sizes does, and how fast memory is. The cost of an
 * operation should fall or stay, until the operands fit no cache and memory sets the pace.
 */
import { add } from "../src/tensor/ops.ts";
import { type Entry, noise, perNanosecond } from "./entry.ts";
import { trainingEntry } from "./training.ts";
import { type Training, trainingBytes, workloadsOf } from "./workloads.ts";

const [W1] = workloadsOf("train");

const SIZES = {
  H: [32, 64, 128, 256, 512, 1024].map((hiddenSize) => ({ hiddenSize })),
  T: [16, 64, 256, 1024].map((steps) => ({ steps })),
  B: [1, 8, 32, 128, 256].map((batchSize) => ({ batchSize })),
  V: [64, 1024, 8192, 50_000].map((vocabSize) => ({ vocabSize })),
};

function growthEntry(symbol: string, size: Partial<Training>): Entry {
  const workload: Training = { ...W1, ...size };
  const [value] = Object.values(size);
  return {
    name: `W9/${symbol}=${value}`,
    title: `training step of W1, ${symbol}=${value.toLocaleString("en")}`,
    ...trainingEntry(workload),
    bytes: trainingBytes(workload),
    fastestOnly: true,
  };
}

/** c = a + b on arrays that no cache holds: two are read and one is written, as STREAM's Add counts it. */
function memoryEntry(): Entry {
  const count = 1 << 24;
  const bytes = 3 * 4 * count;
  return {
    name: "W9/memory",
    title: "c = a + b, 64 MiB each",
    unit: "GB/s",
    bytes,
    fastestOnly: true,
    figure: (milliseconds) => perNanosecond(bytes, milliseconds),
    onEngine(engine) {
      const a = engine.tensor(noise(count), [count]);
      const b = engine.tensor(noise(count), [count]);
      return () => engine.infer(() => void add(a, b));
    },
  };
}

export const growthEntries: Entry[] = [
  memoryEntry(),
  ...Object.entries(SIZES).flatMap(([symbol, sizes]) => sizes.map((size) => growthEntry(symbol, size))),
];
