import { start } from "./tfjs.mjs";

export { forward, gemm, generate, train, unary } from "./tfjs.mjs";
export const name = await start("wasm");
