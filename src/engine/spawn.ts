import { inNode } from "./load.ts";
import { type Start, work } from "./worker.ts";

/** A thread that runs worker.ts. It does not keep a process from ending. */
export interface Thread {
  terminate(): void;
}

/** Starts a thread; `onEnd` is told why, if it ends by itself. */
export type Spawn = (start: Start, onEnd: (reason: string) => void) => Thread;

/**
 * The way to start threads on a memory, or undefined where there is none: the memory is not shared, or the caller is a
 * page's main thread, which may not wait. The thread's program goes along as text, so that there is no second file for a bundler to find and
 * none that must come from the page's own origin.
 */
export function findSpawn(memory: WebAssembly.Memory): Spawn | undefined {
  try {
    if (!(memory.buffer instanceof SharedArrayBuffer)) return undefined;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
  } catch {
    return undefined;
  }
  if (typeof Worker === "function") return spawnInBrowser;
  return inNode ? spawnInNode : undefined;
}

const program = (port: string): string => `"use strict";(${work})(${port});`;

function spawnInNode(start: Start, onEnd: (reason: string) => void): Thread {
  const { Worker: NodeWorker } = process.getBuiltinModule("node:worker_threads");
  // Without the flags of the process: a loader for modules has nothing to do here, and may not work.
  const source = program('require("node:worker_threads").parentPort');
  const worker = new NodeWorker(source, { eval: true, name: "unrolled", execArgv: [] });
  worker.unref();
  worker.on("error", (error) => onEnd(String(error)));
  worker.on("exit", (code) => onEnd(`it ended with code ${code}`));
  worker.postMessage(start);
  return { terminate: () => void worker.terminate() };
}

function spawnInBrowser(start: Start, onEnd: (reason: string) => void): Thread {
  const url = URL.createObjectURL(new Blob([program("self")], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "unrolled" });
  worker.onerror = (event) => onEnd(event.message);
  worker.postMessage(start);
  return {
    terminate() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

/** How many threads the machine runs at a time, as far as the runtime says. */
export function countCores(): number {
  const cores = globalThis.navigator?.hardwareConcurrency;
  // Node 20 has no navigator.
  return cores ?? (inNode ? process.getBuiltinModule("node:os").availableParallelism() : 1);
}
