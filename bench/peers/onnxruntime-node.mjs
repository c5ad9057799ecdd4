import ort from "onnxruntime-node";
import { createPeer } from "./onnxruntime.mjs";

export const name = `onnxruntime-node ${ort.env.versions.node}`;
export const { generate, forward, gemm, unary } = createPeer(ort);
