import type { Engine } from "../src/engine/engine.ts";
import { UNARY } from "../src/engine/kernels.ts";
import { sigmoid, tanh } from "../src/reference/activations.ts";
import { gemm as referenceGemm } from "../src/reference/gemm.ts";
import { gemm } from "../src/tensor/gemm.ts";
import { type Entry, gigaflops, noise } from "./entry.ts";

/** C[M, N] = A[M, K] · B[K, N], all row-major: packing is part of the work. */
function gemmEntry(m: number, k: number, n: number): Entry {
  const flops = 2 * m * k * n;
  return {
    name: `gemm/${m}x${k}x${n}`,
    unit: "GFLOP/s",
    flops,
    figure: (milliseconds) => gigaflops(flops, milliseconds),
    onEngine(engine) {
      const a = { pointer: engine.tensor(noise(m * k), [m, k]).pointer, stride: k };
      const b = { pointer: engine.tensor(noise(k * n), [k, n]).pointer, stride: n };
      const c = { pointer: engine.zeros([m, n]).pointer, stride: n };
      return () => engine.infer(() => gemm(engine, m, n, k, a, b, c));
    },
    onReference() {
      const a = noise(m * k);
      const b = noise(k * n);
      const c = new Float32Array(m * n);
      return () => referenceGemm(false, false, m, n, k, a, b, c);
    },
  };
}

/** 16,384 floats, 64 KiB in and 64 KiB out, again and again: the arithmetic is timed, not the memory. */
const ELEMENTS = 16_384;

/** An elementwise function on arguments in [−8, 8). */
function unaryEntry(
  name: "tanh" | "sigmoid",
  reference: (out: Float32Array, input: Float32Array) => void,
): Entry {
  const values = () => noise(ELEMENTS).map((x) => 8 * x);
  return {
    name,
    unit: "ns/element",
    figure: (milliseconds) => (milliseconds * 1e6) / ELEMENTS,
    onEngine(engine: Engine) {
      const x = engine.tensor(values(), [ELEMENTS]).pointer;
      const y = engine.zeros([ELEMENTS]).pointer;
      return () => engine.kernels.unary(UNARY[name], x, y, ELEMENTS, 0, 1);
    },
    onReference() {
      const x = values();
      const y = new Float32Array(ELEMENTS);
      return () => reference(y, x);
    },
  };
}

export const kernelEntries: Entry[] = [
  gemmEntry(128, 128, 128),
  gemmEntry(512, 512, 512),
  gemmEntry(32, 128, 512),
  gemmEntry(16, 256, 1024),
  unaryEntry("tanh", tanh),
  unaryEntry("sigmoid", sigmoid),
];
