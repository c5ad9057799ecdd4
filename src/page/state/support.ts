import { supports } from "../../engine/load.ts";

/** Without WebAssembly SIMD only the tokenizers work. */
export const hasSIMD = supports("simd");
