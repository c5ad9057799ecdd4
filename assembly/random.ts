// Random numbers: Philox 4×32-10 (Salmon, Moraes, Dror & Shaw 2011), a counter-based generator.
//
// Block `i` of a stream is a pure function of (seed, i): four 32-bit words. Nothing is kept here: the host counts
// blocks. So a part of an array can be filled on any thread, and a run is resumed from two numbers.
//   uniform  (word >>> 8) · 2⁻²⁴ in [0, 1), then low + (high − low)·u
//   normal   Box & Muller 1958 on pairs of words, in f64
//   dropout  0 with probability p, else 1/(1 − p)  (inverted dropout)

import { cosine, log, sine } from "./scalar-math";
import { partStart } from "./simd";

const CHUNK: i32 = 4096;
const MULTIPLIER0: u64 = 0xd2511f53;
const MULTIPLIER1: u64 = 0xcd9e8d57;
const WEYL0: u32 = 0x9e3779b9;
const WEYL1: u32 = 0xbb67ae85;

/** Four words of block (c0…c3) under the key (k0, k1), to `target`. */
export function philox(target: usize, c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): void {
  for (let round = 0; round < 10; round++) {
    const p0 = MULTIPLIER0 * <u64>c0;
    const p1 = MULTIPLIER1 * <u64>c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = <u32>p1;
    c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = <u32>p0;
    k0 += WEYL0;
    k1 += WEYL1;
  }
  store<u32>(target, c0);
  store<u32>(target, c1, 4);
  store<u32>(target, c2, 8);
  store<u32>(target, c3, 12);
}

@unmanaged
export class RandomArgs {
  target: usize;
  count: i32;
  seedLow: u32;
  seedHigh: u32;
  /** The number of the stream's first block, 64 bits. */
  blockLow: u32;
  blockHigh: u32;
  /** uniform: low and high; normal: mean and deviation; dropout: p and 1/(1 − p). */
  first: f32;
  second: f32;
  /** Room for one block: 16 bytes for each thread. */
  scratch: usize;
}

// @ts-ignore: decorator
@inline
function block(args: RandomArgs, index: i32): void {
  const number = ((<u64>args.blockHigh << 32) | <u64>args.blockLow) + <u64>index;
  philox(args.scratch, <u32>number, <u32>(number >> 32), 0, 0, args.seedLow, args.seedHigh);
}

// @ts-ignore: decorator
@inline
function unit(word: u32): f32 {
  return <f32>(word >> 8) * 5.9604644775390625e-8;
}

export function randomUniform(args: RandomArgs, part: i32, parts: i32): void {
  const to = partStart(args.count, CHUNK, part + 1, parts);
  for (let i = partStart(args.count, CHUNK, part, parts); i < to; i += 4) {
    block(args, i >> 2);
    for (let lane = 0; lane < min(4, to - i); lane++) {
      const u = unit(load<u32>(args.scratch + (<usize>lane << 2)));
      store<f32>(args.target + (<usize>(i + lane) << 2), args.first + (args.second - args.first) * u);
    }
  }
}

export function randomNormal(args: RandomArgs, part: i32, parts: i32): void {
  const to = partStart(args.count, CHUNK, part + 1, parts);
  for (let i = partStart(args.count, CHUNK, part, parts); i < to; i += 4) {
    block(args, i >> 2);
    for (let lane = 0; lane < min(4, to - i); lane++) {
      const pair = args.scratch + (<usize>(lane & 2) << 2);
      // (word + 1)·2⁻³² is in (0, 1], so that the logarithm is finite.
      const radius = Math.sqrt(-2 * log((<f64>load<u32>(pair) + 1) * 2.3283064365386963e-10));
      const angle = 2 * Math.PI * (<f64>load<u32>(pair, 4) * 2.3283064365386963e-10);
      const z = radius * (lane & 1 ? sine(angle) : cosine(angle));
      store<f32>(args.target + (<usize>(i + lane) << 2), <f32>(<f64>args.first + <f64>args.second * z));
    }
  }
}

export function dropoutMask(args: RandomArgs, part: i32, parts: i32): void {
  const to = partStart(args.count, CHUNK, part + 1, parts);
  for (let i = partStart(args.count, CHUNK, part, parts); i < to; i += 4) {
    block(args, i >> 2);
    for (let lane = 0; lane < min(4, to - i); lane++) {
      const u = unit(load<u32>(args.scratch + (<usize>lane << 2)));
      store<f32>(args.target + (<usize>(i + lane) << 2), u < args.first ? 0 : args.second);
    }
  }
}
