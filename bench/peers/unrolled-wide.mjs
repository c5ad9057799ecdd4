export { forward, gemm, generate, name, train, unary } from "./unrolled.mjs?wide";
