import { random } from "./random.ts";

/** `size` integers from 0 to `limit` − 1 that depend on `stream` alone. */
export function randomIds(size: number, stream: number, limit: number): Int32Array {
  return Int32Array.from(random(size, stream), (value) =>
    Math.min(limit - 1, Math.floor(((value + 1) / 2) * limit)),
  );
}
