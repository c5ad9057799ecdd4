/** Arrays of numbers that grow. */

/** The array, or a larger copy if it has no room for `length` numbers. */
export function grown<A extends Int32Array | Uint16Array | Float64Array>(array: A, length: number): A {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => A)(Math.max(length, 2 * array.length));
  larger.set(array as never);
  return larger;
}

export class Int32List {
  length = 0;
  #numbers = new Int32Array(1 << 10);

  push(number: number): void {
    this.#numbers = grown(this.#numbers, this.length + 1);
    this.#numbers[this.length++] = number;
  }

  /** Adds `source[from … to - 1]`. */
  append(source: Int32Array, from: number, to: number): void {
    this.#numbers = grown(this.#numbers, this.length + to - from);
    for (let i = from; i < to; i++) this.#numbers[this.length++] = source[i];
  }

  toArray(): Int32Array {
    return this.#numbers.slice(0, this.length);
  }
}
