/**
 * Numbers the distinct pieces of texts 0, 1, 2, … in the order in which they first come. A hash table with open
 * addressing whose keys are read where they stand in the text, code unit by code unit: a piece that is known costs
 * no string.
 */
import { grown } from "./growable.ts";

export class PieceTable {
  size = 0;
  /** A piece's number + 1 in each slot; 0 where it is free. The length is a power of two. */
  #slots = new Int32Array(1 << 12);
  #hashes = new Int32Array(1 << 11);
  /** The code units of piece i are `units[starts[i] … starts[i + 1] - 1]`. */
  #starts = new Int32Array(1 << 11);
  #units = new Uint16Array(1 << 14);

  /** The number of the piece `text[start … end - 1]`, a new one if it was never seen. */
  numberOf(text: string, start: number, end: number): number {
    let hash = 0;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1) ^ (hash >>> 15);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 16)) & mask;
    for (let number = this.#slots[slot]; number !== 0; number = this.#slots[slot]) {
      if (this.#hashes[number - 1] === hash && this.#is(number - 1, text, start, end)) return number - 1;
      slot = (slot + 1) & mask;
    }
    return this.#add(text, start, end, hash, slot);
  }

  pieceAt(number: number): string {
    const units = this.#units.subarray(this.#starts[number], this.#starts[number + 1]);
    let text = "";
    // A call takes a limited number of arguments.
    for (let i = 0; i < units.length; i += 4096) text += String.fromCharCode(...units.subarray(i, i + 4096));
    return text;
  }

  clear(): void {
    this.#slots.fill(0);
    this.size = 0;
  }

  #is(number: number, text: string, start: number, end: number): boolean {
    const from = this.#starts[number];
    if (this.#starts[number + 1] - from !== end - start) return false;
    for (let i = start; i < end; i++) if (this.#units[from + i - start] !== text.charCodeAt(i)) return false;
    return true;
  }

  #add(text: string, start: number, end: number, hash: number, slot: number): number {
    const number = this.size++;
    const from = this.#starts[number];
    this.#units = grown(this.#units, from + end - start);
    for (let i = start; i < end; i++) this.#units[from + i - start] = text.charCodeAt(i);
    this.#starts = grown(this.#starts, number + 2);
    this.#starts[number + 1] = from + end - start;
    this.#hashes = grown(this.#hashes, number + 1);
    this.#hashes[number] = hash;
    this.#slots[slot] = number + 1;
    if (2 * this.size > this.#slots.length) this.#rehash();
    return number;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.size; number++) {
      const hash = this.#hashes[number];
      let slot = (hash ^ (hash >>> 16)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}
