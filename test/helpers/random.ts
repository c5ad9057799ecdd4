import { philox4x32 } from "../../src/reference/philox.ts";

/** The words of each stream so far: tests ask for the same ones again and again. */
const streams = new Map<number, number[]>();

/** The i-th of the words that depend on `stream` alone. */
function word(i: number, stream: number): number {
  let words = streams.get(stream);
  if (!words) streams.set(stream, (words = []));
  while (words.length <= i) words.push(philox4x32([words.length, 0, 0, 0], [stream, 0])[0]);
  return words[i];
}

/** `size` numbers, uniform from −bound to bound. */
export function random(size: number, stream: number, bound = 1): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => bound * (word(i, stream) / 2 ** 31 - 1));
}

/** `size` integers from 0 to limit − 1. */
export function randomIds(size: number, stream: number, limit: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => Math.floor((word(i, stream) / 2 ** 32) * limit));
}
