import { instantiateSync } from "@assemblyscript/loader";
import { EngineError } from "../errors.ts";
import type { Kernels } from "./kernels.ts";

/** Where the .wasm files lie relative to this module: esbuild sets it for the bundle, sources use build/. */
declare const UNROLLED_WASM_BASE: string | undefined;
const BASE = typeof UNROLLED_WASM_BASE === "string" ? UNROLLED_WASM_BASE : "../../build/";

export type Build = "simd" | "relaxed";

export interface LoadedKernels {
  build: Build;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  kernels: Kernels;
  /** The first byte that the module does not use itself. */
  heapBase: number;
}

const PAGE = 65536;
/** What the modules declare as their largest memory: 4 GiB. */
const LARGEST_PAGES = 65536;
const INITIAL_PAGES = 16;

// (module (func (result v128) i32.const 0 i8x16.splat)) and the same with f32x4.relaxed_madd.
const SIMD_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
];
const RELAXED_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0,
  253, 15, 65, 0, 253, 15, 253, 133, 2, 11,
];

export function supports(build: Build): boolean {
  return WebAssembly.validate(new Uint8Array(build === "simd" ? SIMD_PROBE : RELAXED_PROBE));
}

/**
 * Compiles and instantiates one build on a memory of its own.
 * @throws EngineError if the runtime has no WebAssembly SIMD, or the file cannot be read.
 */
export async function loadKernels(build: Build, maximumBytes: number): Promise<LoadedKernels> {
  if (!supports(build)) {
    throw new EngineError(
      build === "simd"
        ? "this runtime has no WebAssembly SIMD, which Unrolled needs (Node 16.4+, Chrome 91+, Firefox 89+, Safari 16.4+)"
        : 'this runtime has no relaxed SIMD: use numerics "reproducible"',
    );
  }
  let bytes = await readModule(new URL(`${BASE}kernels-${build}.wasm`, import.meta.url));
  let memory: WebAssembly.Memory;
  try {
    memory = createMemory(maximumBytes, true);
  } catch {
    bytes = unshare(bytes);
    memory = createMemory(maximumBytes, false);
  }
  const module = await WebAssembly.compile(bytes);
  // The loader's asynchronous way asks whether what it got is a Response, for which Node loads its whole fetch: 20 ms.
  const { exports } = instantiateSync<Record<string, unknown>>(module, { env: { memory } });
  const heapBase = (exports.__heap_base as WebAssembly.Global | undefined)?.value ?? PAGE;
  return { build, module, memory, kernels: exports as unknown as Kernels, heapBase };
}

async function readModule(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (url.protocol === "file:") {
      // Not an import: bundlers for pages would look for the module.
      return new Uint8Array(process.getBuiltinModule("node:fs").readFileSync(url));
    }
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new EngineError(`the kernels could not be read from ${url.href}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** The largest memory that the runtime grants, starting from what was asked for and halving. */
function createMemory(maximumBytes: number, shared: boolean): WebAssembly.Memory {
  let maximum = Math.min(LARGEST_PAGES, Math.ceil(maximumBytes / PAGE));
  for (;;) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared });
    } catch (cause) {
      if (maximum <= 2 * INITIAL_PAGES) throw new EngineError("the runtime grants no memory", { cause });
      maximum = maximum >>> 1;
    }
  }
}

/**
 * The same module importing an unshared memory. The two differ in one byte: the flags of the imported memory's
 * limits, 3 (shared, with a maximum) against 1.
 */
function unshare(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  let at = 8;
  const leb = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = copy[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < copy.length) {
    const id = copy[at++];
    const size = leb();
    if (id !== 2) {
      at += size;
      continue;
    }
    for (let count = leb(); count > 0; count--) {
      at += leb();
      at += leb();
      const kind = copy[at++];
      if (kind === 2) {
        copy[at] = 1;
        return copy;
      }
      if (kind === 0) leb();
      else at += kind === 1 ? 3 : 2;
    }
  }
  return copy;
}
