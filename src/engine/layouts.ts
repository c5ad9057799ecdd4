/**
 * The argument structs of the kernels, one ordered list each: field names as in assembly/, every field 32 bits
 * wide. A test compiles `offsetof` of each field and compares.
 */
type FieldType = "i32" | "ptr" | "f32";

export interface Layout<Name extends string = string> {
  readonly fields: readonly { readonly name: Name; readonly isFloat: boolean }[];
  /** At which word the address of a thread's scratch memory is; −1: nowhere. */
  readonly scratchWord: number;
}

export type ArgsOf<L extends Layout> = L extends Layout<infer Name> ? Record<Name, number> : never;

/** A list, made once: a struct is written before every kernel call. */
function layout<Name extends string>(types: Record<Name, FieldType>): Layout<Name> {
  const names = Object.keys(types) as Name[];
  return {
    fields: names.map((name) => ({ name, isFloat: types[name] === "f32" })),
    scratchWord: names.indexOf("scratch" as Name),
  };
}

export const GemmArgs = /* @__PURE__ */ layout({
  m: "i32",
  n: "i32",
  k: "i32",
  a: "ptr",
  aStride: "i32",
  aTransposed: "i32",
  packed: "ptr",
  c: "ptr",
  cStride: "i32",
  accumulate: "i32",
  bias: "ptr",
  scratch: "ptr",
  tall: "i32",
});

export const GemvArgs = /* @__PURE__ */ layout({
  n: "i32",
  k: "i32",
  x: "ptr",
  b: "ptr",
  bStride: "i32",
  bTransposed: "i32",
  y: "ptr",
  accumulate: "i32",
  bias: "ptr",
  packed: "ptr",
});

export const RecurrentArgs = /* @__PURE__ */ layout({
  steps: "i32",
  batch: "i32",
  hiddenSize: "i32",
  stateSize: "i32",
  reverse: "i32",
  variant: "i32",
  hidden: "ptr",
  cell: "ptr",
  gates: "ptr",
  extra: "ptr",
  weights: "ptr",
  packed: "ptr",
  projection: "ptr",
  packedSecond: "ptr",
  offsets: "ptr",
  candidateBias: "ptr",
  dHidden: "ptr",
  dCell: "ptr",
  scratch: "ptr",
  tall: "i32",
  input: "ptr",
});

export const LayerNormArgs = /* @__PURE__ */ layout({
  rows: "i32",
  columns: "i32",
  epsilon: "f32",
  x: "ptr",
  weight: "ptr",
  bias: "ptr",
  y: "ptr",
  moments: "ptr",
  dy: "ptr",
  dx: "ptr",
  dWeight: "ptr",
});

export const RandomArgs = /* @__PURE__ */ layout({
  target: "ptr",
  count: "i32",
  seedLow: "i32",
  seedHigh: "i32",
  blockLow: "i32",
  blockHigh: "i32",
  first: "f32",
  second: "f32",
  scratch: "ptr",
});

export const OptimizerArgs = /* @__PURE__ */ layout({
  parameter: "ptr",
  gradient: "ptr",
  first: "ptr",
  second: "ptr",
  count: "i32",
  step: "i32",
  decoupled: "i32",
  learningRate: "f32",
  momentum: "f32",
  weightDecay: "f32",
  beta1: "f32",
  beta2: "f32",
  epsilon: "f32",
  scale: "f32",
});

/** Bytes that the largest struct takes. */
export const LARGEST_ARGS = 128;
