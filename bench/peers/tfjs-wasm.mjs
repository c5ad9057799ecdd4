import { start } from "./tfjs.mjs";

export { forward, gemm, generate, tanh, train } from "./tfjs.mjs";
export const name = await start("wasm");
