/**
 * The argument structs of the kernels, one ordered list each: field names as in assembly/, every field 32 bits
 * wide. A test compiles `offsetof` of each field and compares.
 */
type Field = "i32" | "ptr" | "f32";

export const LAYOUTS = {
  GemmArgs: {
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
  },
  GemvArgs: {
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
  },
  RecurrentArgs: {
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
  },
  LayerNormArgs: {
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
  },
  RandomArgs: {
    target: "ptr",
    count: "i32",
    seedLow: "i32",
    seedHigh: "i32",
    blockLow: "i32",
    blockHigh: "i32",
    first: "f32",
    second: "f32",
    scratch: "ptr",
  },
  OptimizerArgs: {
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
  },
} as const satisfies Record<string, Record<string, Field>>;

export type Layout = keyof typeof LAYOUTS;
export type ArgsOf<L extends Layout> = Record<keyof (typeof LAYOUTS)[L], number>;

/** Bytes that the largest struct takes. */
export const LARGEST_ARGS = 128;
