import * as ort from "onnxruntime-web/wasm";
import { createPeer } from "./onnxruntime.mjs";

ort.env.wasm.numThreads = 1;
export const name = `onnxruntime-web ${ort.env.versions.web}`;
export const { generate, forward, gemm, unary } = createPeer(ort);
