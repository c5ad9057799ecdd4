import { readFileSync } from "node:fs";
import { readSafetensors, type SafeTensor } from "../../src/formats/safetensors.ts";

/** A file of numbers from PyTorch; see fixtures/make_fixtures.py. */
export interface Fixture {
  metadata: Record<string, string>;
  /** @throws Error if there is no such tensor: a test must not pass for want of numbers. */
  get(name: string): { shape: readonly number[]; data: Float32Array };
  ids(name: string): { shape: readonly number[]; data: Int32Array };
  names: string[];
}

export function readFixture(name: string): Fixture {
  const { tensors, metadata } = readSafetensors(
    readFileSync(new URL(`../fixtures/${name}.safetensors`, import.meta.url)),
  );
  function find<D extends "F32" | "I32">(key: string, dtype: D): Extract<SafeTensor, { dtype: D }> {
    const tensor = tensors.get(key);
    if (tensor?.dtype !== dtype) throw new Error(`${name}.safetensors has no ${dtype} tensor ${key}`);
    return tensor as Extract<SafeTensor, { dtype: D }>;
  }
  return {
    metadata,
    names: [...tensors.keys()],
    get: (key) => find(key, "F32"),
    ids: (key) => find(key, "I32"),
  };
}
