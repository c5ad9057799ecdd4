import type { ArgumentsOf, Kernels, SplitKernel } from "./kernels.ts";
import type { ArgsOf, Layout } from "./layouts.ts";
import { align, Memory } from "./memory.ts";

/** Kernels on the linear memory that they work on, called by one thread. */
export class Runner {
  readonly kernels: Kernels;
  readonly memory: Memory;
  /** Where argument structs are written. */
  readonly argsPointer: number;

  /** @param heapBase the first byte that the kernels' module does not use itself. */
  constructor(kernels: Kernels, memory: WebAssembly.Memory, heapBase: number, argsBytes: number) {
    this.kernels = kernels;
    this.memory = new Memory(memory, heapBase);
    this.argsPointer = this.memory.allocate(argsBytes);
  }

  /**
   * Writes an argument struct and returns its address. It is valid until the next call.
   * @param _scratchBytes what was given to `scratch`, where the struct has such a field: for several threads.
   */
  args<L extends Layout>(layout: L, values: ArgsOf<L>, _scratchBytes?: number): number {
    this.writeArgs(this.argsPointer, layout, values);
    return this.argsPointer;
  }

  /** Writes an argument struct to where it stays: of a kernel that takes no scratch memory. What is left out is 0. */
  writeArgs<L extends Layout>(target: number, layout: L, values: Partial<ArgsOf<L>>): void {
    const { f32, i32 } = this.memory;
    let at = target >>> 2;
    for (const { name, isFloat } of layout.fields) {
      const value = (values as Record<string, number | undefined>)[name] ?? 0;
      if (isFloat) f32[at++] = value;
      else i32[at++] = value;
    }
  }

  /** Memory in the arena for each thread, `bytes` of it; the address of the first thread's. */
  scratch(bytes: number): number {
    return this.memory.bump(align(bytes));
  }

  /** Into how many parts to split work that consists of so many groups and takes so long. */
  parts(_groups: number, _nanoseconds: number): number {
    return 1;
  }

  /** Runs all parts of a kernel. */
  run<K extends SplitKernel>(kernel: K, parts: number, ...args: ArgumentsOf<K>): void {
    const call = this.kernels[kernel] as (...args: number[]) => void;
    for (let part = 0; part < parts; part++) call(...args, part, parts);
  }
}
