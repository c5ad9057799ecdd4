/**
 * What a thread of the pool runs, and the block of shared memory through which the pool talks to it.
 *
 * All parts ever published are counted through: a job has the numbers from `first` to `end`, and whoever moves `next`
 * from one number to the following one has taken the part that it passed. `next` never goes back and `end` only moves
 * when `next` has reached it, so a thread that comes late, with an old `end`, takes nothing; and while a part is taken
 * and not yet done, its job stands in the block unchanged.
 */

/** Where the words lie, as indices of 32-bit words; what several threads write has a cache line (16 words) of its own. */
export const CONTROL = {
  next: 0,
  end: 16,
  /** Parts of this job that are done. */
  done: 32,
  /** The job, written by the pool alone: the kernel's number among the module's exports, its arguments … */
  first: 48,
  parts: 49,
  kernel: 50,
  argumentCount: 51,
  /** … where in an argument struct the address of a thread's scratch is (−1: nowhere), and how much each thread has … */
  scratchWord: 52,
  scratchBytes: 53,
  /** … and how long the memory is: 64 KiB pages. */
  pages: 54,
  /** Threads that are ready for work. */
  joined: 64,
  /** Threads that wait for `end` to change, and whether the pool waits for `done` to. */
  sleeping: 65,
  waiting: 66,
  /** The thread that caught a trap in this job, the part, and the length of the message. */
  failed: 67,
  failedPart: 68,
  messageLength: 69,
  /** A bit for each thread that has joined, in two words. */
  members: 70,
  /** 16 doubles: the arguments. */
  arguments: 80,
  /** The message, in UTF-16. */
  message: 112,
} as const;

export const CONTROL_BYTES = 1024;

export interface Start {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  control: SharedArrayBuffer;
  at: typeof CONTROL;
  /** Which thread this is, from 1. */
  thread: number;
  /** Where it may copy an argument struct to, and its size in words. */
  args: number;
  argsWords: number;
  /** How long to look for work before sleeping, in milliseconds. */
  spin: number;
}

/** What a thread hears from: `self` in a browser, `parentPort` in Node. */
export interface WorkerPort {
  onmessage: ((event: { data: Start }) => void) | null;
}

/**
 * The whole program of a thread: it is sent to the thread as text (see spawn.ts), so it refers to nothing outside
 * itself and defines no function inside, which a bundler may wrap in a helper.
 */
export function work(port: WorkerPort): void {
  port.onmessage = ({ data }) => {
    const { module, memory, at, thread, args, argsWords, spin } = data;
    const control = new Int32Array(data.control);
    const values = new Float64Array(data.control, 4 * at.arguments, 16);
    const message = new Uint16Array(data.control, 4 * at.message);
    // The instance writes the module's data segments again: constants, and the same ones.
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const kernels = WebAssembly.Module.exports(module).map(({ name }) => exports[name]) as ((
      ...args: number[]
    ) => void)[];
    const ownArgs = (args >>> 2) + thread * argsWords;
    let heap = new Int32Array(memory.buffer);
    let pages = heap.length >>> 14;
    let prepared: number | undefined;
    let list: number[] = [];
    Atomics.or(control, at.members + (thread >> 5), 1 << (thread & 31));
    Atomics.add(control, at.joined, 1);
    for (;;) {
      const end = Atomics.load(control, at.end);
      const next = Atomics.load(control, at.next);
      if (((end - next) | 0) <= 0) {
        const until = performance.now() + spin;
        let changed = false;
        while (!changed && performance.now() < until) {
          for (let i = 0; i < 100 && !changed; i++) changed = Atomics.load(control, at.end) !== end;
        }
        if (changed) continue;
        Atomics.add(control, at.sleeping, 1);
        Atomics.wait(control, at.end, end);
        Atomics.sub(control, at.sleeping, 1);
        continue;
      }
      if (Atomics.compareExchange(control, at.next, next, (next + 1) | 0) !== next) continue;

      const part = (next - control[at.first]) | 0;
      const parts = control[at.parts];
      try {
        if (pages !== control[at.pages]) {
          // The runtime tells this thread of the memory's growth at a safe point, such as this loop's end.
          while (memory.buffer.byteLength < control[at.pages] * 65536);
          heap = new Int32Array(memory.buffer);
          pages = control[at.pages];
        }
        if (prepared !== end) {
          list = Array.from(values.subarray(0, control[at.argumentCount]));
          if (control[at.scratchWord] >= 0) {
            const from = list[0] >>> 2;
            heap.copyWithin(ownArgs, from, from + argsWords);
            heap[ownArgs + control[at.scratchWord]] += thread * control[at.scratchBytes];
            list[0] = 4 * ownArgs;
          }
          list.push(0, parts);
          prepared = end;
        }
        list[list.length - 2] = part;
        kernels[control[at.kernel]](...list);
      } catch (error) {
        if (Atomics.compareExchange(control, at.failed, 0, thread) === 0) {
          const text = String(error).slice(0, message.length);
          for (let i = 0; i < text.length; i++) message[i] = text.charCodeAt(i);
          control[at.failedPart] = part;
          control[at.messageLength] = text.length;
        }
      }
      if (Atomics.add(control, at.done, 1) + 1 === parts && Atomics.load(control, at.waiting)) {
        Atomics.notify(control, at.done);
      }
    }
  };
}
