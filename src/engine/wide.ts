/**
 * The wide build: 256-bit code out of 128-bit WebAssembly, by V8's re-vectorizer, which joins pairs of operations. It is
 * an experiment of V8's behind a flag that holds for the whole process, so it is used only where it was asked for and
 * shown to work.
 */
import type { LoadedKernels } from "./instantiate.ts";
import { inNode } from "./load.ts";

const FLAG = "--experimental-wasm-revectorize";
/** V8's first version in which the flag has the effect: Node 24. */
const FIRST_MAJOR = 13;

/** Tries last until one succeeds, in milliseconds: the optimising compiler takes a few to replace the baseline one's code. */
const PATIENCE = 200;
/** Multiply-adds of eight lanes reach almost twice the rate of four; not joined, the tile spills and reaches two thirds. */
const ENOUGH = 1.3;
const DEPTH = 256;
const CALLS = 40;
const ROUNDS = 2000;

/** Sets the flag, before any module is compiled. Returns why that is of no use here, if so. */
export function enableRevectorizer(): string | undefined {
  if (!inNode) return "only Node lets a program set V8's flags";
  const { v8, node } = process.versions;
  if (!(Number.parseInt(v8, 10) >= FIRST_MAJOR)) return `it needs Node 24 or newer, this is Node ${node}`;
  process.getBuiltinModule("node:v8").setFlagsFromString(FLAG);
  return undefined;
}

/**
 * Whether the wide build's kernels came out wide: its tile against multiply-adds of four lanes, on memory not yet in
 * use. Returns why not, if so.
 */
export function checkWide({ kernels, heapBase, memory }: LoadedKernels): string | undefined {
  const a = Math.ceil(heapBase / 64) * 64;
  const b = a + 4 * 4 * DEPTH;
  const c = b + 4 * 16 * DEPTH;
  if (c + 4 * 16 * 4 > memory.buffer.byteLength) return "there is too little memory to check it";
  const end = performance.now() + PATIENCE;
  let [tile, four] = [0, 0];
  do {
    tile = Math.max(
      tile,
      rate(2 * 4 * 16 * DEPTH * CALLS, () => {
        for (let call = 0; call < CALLS; call++) kernels.tileFour(a, b, c, 64, DEPTH, 1);
      }),
    );
    four = Math.max(
      four,
      rate(8 * 10 * ROUNDS, () => kernels.madds(10, ROUNDS)),
    );
    // Both at full speed, which the multiply-adds on registers may not have reached yet.
    if (tile > ENOUGH * four && performance.now() > end - PATIENCE / 2) return undefined;
  } while (performance.now() < end);
  return tile > ENOUGH * four ? undefined : "this machine or runtime does not run it any faster";
}

/** Operations per millisecond. */
function rate(operations: number, work: () => void): number {
  const start = performance.now();
  work();
  return operations / (performance.now() - start);
}
