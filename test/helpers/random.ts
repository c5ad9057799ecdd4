import { philox4x32 } from "../../src/reference/philox.ts";

/** The i-th of the words that depend on `stream` alone. */
function word(i: number, stream: number): number {
  return philox4x32([i, 0, 0, 0], [stream, 0])[0];
}

/** `size` numbers, uniform from −bound to bound. */
export function random(size: number, stream: number, bound = 1): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => bound * (word(i, stream) / 2 ** 31 - 1));
}

/** `size` integers from 0 to limit − 1. */
export function randomIds(size: number, stream: number, limit: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => Math.floor((word(i, stream) / 2 ** 32) * limit));
}
