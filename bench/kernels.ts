/** W7 and W8: matmuls and elementwise functions, as operations of the library. */
import { sigmoid as referenceSigmoid, tanh as referenceTanh } from "../src/reference/activations.ts";
import { gemm as referenceGemm } from "../src/reference/gemm.ts";
import { matmul, sigmoid, tanh } from "../src/tensor/ops.ts";
import { type Entry, noise, perNanosecond } from "./entry.ts";
import { gemmFlops, type Workload, workloadsOf } from "./workloads.ts";

/** Packing is part of the work: neither operand is a parameter. */
function gemmEntry(workload: Workload<"gemm">): Entry {
  const { name, title, m, k, n } = workload;
  const flops = gemmFlops(workload);
  return {
    name,
    title,
    unit: "GFLOP/s",
    flops,
    figure: (milliseconds) => perNanosecond(flops, milliseconds),
    onEngine(engine) {
      const a = engine.tensor(noise(m * k), [m, k]);
      const b = engine.tensor(noise(k * n), [k, n]);
      return () => engine.infer(() => void matmul(a, b));
    },
    onReference() {
      const a = noise(m * k);
      const b = noise(k * n);
      const c = new Float32Array(m * n);
      return () => referenceGemm(false, false, m, n, k, a, b, c);
    },
  };
}

const OPERATIONS = { tanh, sigmoid };
const REFERENCES = { tanh: referenceTanh, sigmoid: referenceSigmoid };

/** Of arguments in [−8, 8). */
function unaryEntry({ name, title, operation, count }: Workload<"unary">): Entry {
  return {
    name,
    title,
    unit: "ns/element",
    figure: (milliseconds) => (milliseconds * 1e6) / count,
    onEngine(engine) {
      const x = engine.tensor(noise(count, 8), [count]);
      return () => engine.infer(() => void OPERATIONS[operation](x));
    },
    onReference() {
      const x = noise(count, 8);
      const y = new Float32Array(count);
      return () => REFERENCES[operation](y, x);
    },
  };
}

export const kernelEntries: Entry[] = [
  ...workloadsOf("gemm").map(gemmEntry),
  ...workloadsOf("unary").map(unaryEntry),
];
