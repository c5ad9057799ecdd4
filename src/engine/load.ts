import { ConfigError, EngineError } from "../errors.ts";

/** Where the .wasm files lie relative to this module: esbuild sets it for bundles, sources use build/. */
declare const UNROLLED_WASM_BASE: string | undefined;

/** The builds that an engine runs; `infer` runs models alone, and is for src/generate. */
export type Build = "simd" | "relaxed" | "wide";

const PAGE = 65536;
/** The modules' constants lie below it. */
export const HEAP_BASE = PAGE;
/** A page less than 4 GiB: so the address after the last byte, too, is a number of 32 bits. */
const LARGEST_PAGES = 65535;
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
 * Whether matmuls are faster with tiles of six rows than of four: with fused multiply-adds, and where twelve sums stay in
 * registers. V8 spills them before version 13, to half the speed; Math.f16round came with 13.5, and to Firefox with 129.
 */
export function prefersTallTiles(build: Build): boolean {
  return build === "wide" || (build === "relaxed" && "f16round" in Math);
}

/**
 * Compiles one build, with a memory for it.
 * @param inlined the build's binary, compressed (raw deflate, base64), where the bundle carries it.
 * @param maximumBytes the largest memory, from 2 MiB on.
 * @throws EngineError if the runtime has no WebAssembly SIMD, or the binary cannot be read; ConfigError on a maximum that
 *   is too small.
 */
export async function compile(
  build: Build | "infer",
  inlined: string | undefined,
  maximumBytes: number,
): Promise<{ module: WebAssembly.Module; memory: WebAssembly.Memory }> {
  if (!(maximumBytes >= 0x200000)) {
    throw new ConfigError(`maximumMemory must be at least 2 MiB (2097152 bytes), got ${maximumBytes}`);
  }
  if (!supports(build === "relaxed" ? "relaxed" : "simd")) {
    throw new EngineError(
      build === "relaxed"
        ? 'this runtime has no relaxed SIMD: use numerics "reproducible"'
        : "this runtime has no WebAssembly SIMD, which Unrolled needs (Node 16.4+, Chrome 91+, Firefox 89+, Safari 16.4+)",
    );
  }
  let bytes = await read(build, inlined);
  let memory: WebAssembly.Memory;
  try {
    memory = createMemory(maximumBytes, true);
  } catch {
    bytes = unshare(bytes);
    memory = createMemory(maximumBytes, false);
  }
  return { module: await WebAssembly.compile(bytes), memory };
}

/** Node's own modules come through `process`: bundlers for pages would look for what is imported. */
export const inNode = typeof process === "object" && Boolean(process.versions?.node);

/** In Node a file is the quickest; a page would have to wait for it. */
async function read(build: string, inlined: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  // Bundles of some forms have no address.
  const hasFiles = inNode && (import.meta.url as string | undefined)?.startsWith("file:");
  if (inlined && !hasFiles) return inflate(inlined);
  const name = `kernels-${build}.wasm`;
  try {
    // One literal when it is built: bundlers that know this form copy the file along. The others lie beside it.
    const relaxed = new URL(
      `${typeof UNROLLED_WASM_BASE === "string" ? UNROLLED_WASM_BASE : "../../build/"}kernels-relaxed.wasm`,
      import.meta.url,
    );
    const url = build === "relaxed" ? relaxed : new URL(name, relaxed);
    if (!hasFiles) return await fetchBinary(url);
    return new Uint8Array(process.getBuiltinModule("node:fs").readFileSync(url));
  } catch (cause) {
    // Other bundlers move the code, and leave the file where it was.
    if (inlined) return inflate(inlined);
    throw new EngineError(`the kernels could not be read from ${name}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

async function fetchBinary(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: HTTP status ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  // Servers of one-page applications answer every request with the page.
  if (!WebAssembly.validate(bytes)) throw new Error(`${url.href} is not a WebAssembly module`);
  return bytes;
}

async function inflate(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The largest memory that the runtime grants, starting from what was asked for and halving. */
function createMemory(maximumBytes: number, shared: boolean): WebAssembly.Memory {
  let maximum = Math.min(LARGEST_PAGES, Math.ceil(maximumBytes / PAGE));
  for (;;) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared });
    } catch (cause) {
      if (maximum <= 2 * INITIAL_PAGES) {
        // Chromium grants a page and its workers some 125, and takes those of closed engines back in its own time.
        throw new EngineError("the runtime grants no memory: too many engines, perhaps", { cause });
      }
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
