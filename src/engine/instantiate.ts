import { instantiateSync } from "@assemblyscript/loader";
import type { Kernels } from "./kernels.ts";
import { type Build, compile, HEAP_BASE } from "./load.ts";

/** The `simd` build, compressed: the package's bundles carry it inside (scripts/build.mjs). */
declare const UNROLLED_SIMD: string | undefined;

/** A build that needs no file. */
export const INLINED: Partial<Record<Build, string>> = {
  simd: typeof UNROLLED_SIMD === "string" ? UNROLLED_SIMD : undefined,
};

export interface LoadedKernels {
  build: Build;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  kernels: Kernels;
  /** The first byte that the module does not use itself. */
  heapBase: number;
}

/** Compiles and instantiates one build on a memory of its own. @throws EngineError as {@link compile}. */
export async function loadKernels(build: Build, maximumBytes: number): Promise<LoadedKernels> {
  const { module, memory } = await compile(build, INLINED[build], maximumBytes);
  // The loader's asynchronous way asks whether what it got is a Response, for which Node loads its whole fetch: 20 ms.
  const { exports } = instantiateSync<Record<string, unknown>>(module, { env: { memory } });
  return { build, module, memory, kernels: exports as unknown as Kernels, heapBase: HEAP_BASE };
}
