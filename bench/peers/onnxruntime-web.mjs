import * as ort from "onnxruntime-web";
import { THREADS } from "./data.mjs";
import { createPeer } from "./onnxruntime.mjs";

ort.env.wasm.numThreads = THREADS;
export const name = `onnxruntime-web ${ort.env.versions.web}`;
export const { generate, forward, gemm, unary } = createPeer(ort);
