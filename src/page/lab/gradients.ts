/**
 * The gradient's way back through time, in one layer of each kind: W_hh is drawn and scaled to a spectral radius, the
 * loss is the sum of the last states, and the layer's own backward pass does the rest.
 */
import {
  createEngine,
  diagnoseLoss,
  type Engine,
  GRU,
  LSTM,
  normal,
  Parameter,
  RNN,
  spectralRadius,
  sum,
} from "unrolled";

export interface GradientsInput {
  /** Of W_hh, in a gated cell of each gate's block. */
  radius: number;
  /** T */
  steps: number;
  /** The largest norm of the weights' gradients. */
  clip: number;
  /** What an LSTM's forget gate, and a GRU's update gate, start from before the sigmoid. */
  memory: number;
}

export interface GradientsOutput {
  cells: CellGradients[];
  milliseconds: number;
}

export interface CellGradients {
  cell: "rnn" | "gru" | "lstm";
  /** Norm of dL/dh by distance from the loss: [steps + 1]. */
  hidden: number[];
  /** LSTM: of dL/dc. */
  cellState?: number[];
  /** Norm of all weights' gradients together, and what clipping multiplies them by. */
  gradientNorm: number;
  scale: number;
}

const UNITS = 48;
const BATCH = 8;
/** Small, so that the states are the network's own doing. */
const INPUT_DEVIATION = 0.1;
const SEED = 4;
const CELLS = { rnn: RNN, gru: GRU, lstm: LSTM };

let engine: Promise<Engine> | undefined;

export async function measureGradients(input: GradientsInput): Promise<GradientsOutput> {
  engine ??= createEngine({ numerics: "reproducible", threads: 1 });
  const start = performance.now();
  const ready = await engine;
  const cells = (["rnn", "gru", "lstm"] as const).map((cell) => measureCell(ready, cell, input));
  return { cells, milliseconds: performance.now() - start };
}

function measureCell(
  engine: Engine,
  cell: CellGradients["cell"],
  { radius, steps, clip, memory }: GradientsInput,
): CellGradients {
  // The same weights, but for the radius, at every move of a slider.
  engine.random.state = { seed: SEED, block: 0 };
  const layer = new CELLS[cell](engine, { inputSize: 1, hiddenSize: UNITS });
  for (const [name, parameter] of layer.namedParameters()) {
    if (name.startsWith("weight_hh")) scaleBlocks(cell, parameter, radius);
    if (name.startsWith("bias")) parameter.set(biases(cell, name, parameter.size, memory));
  }
  const x = new Parameter(engine, [steps, BATCH, 1]);
  normal(x, 0, INPUT_DEVIATION);
  try {
    const { layers, gradientNorm } = diagnoseLoss(engine, layer, () => sum(layer.forward(x).state.h));
    const [{ hiddenGradient, cellGradient }] = layers;
    return {
      cell,
      hidden: hiddenGradient,
      ...(cellGradient && { cellState: cellGradient }),
      gradientNorm,
      scale: gradientNorm > clip ? clip / gradientNorm : 1,
    };
  } finally {
    x.free();
    layer.free();
  }
}

/** Fills each gate's block with normal numbers and scales it to the spectral radius. */
function scaleBlocks(cell: string, weights: Parameter, radius: number): void {
  normal(weights, 0, 1);
  const values = weights.toArray() as Float32Array;
  const size = UNITS * UNITS;
  for (let at = 0; at < values.length; at += size) {
    const block = values.subarray(at, at + size);
    const factor = radius / radiusOf(`${cell} ${at}`, block);
    for (let i = 0; i < size; i++) block[i] *= factor;
  }
  weights.set(values);
}

/** The blocks are the same each time, and their eigenvalues are most of the work. */
const radii = new Map<string, number>();
function radiusOf(key: string, block: Float32Array): number {
  let radius = radii.get(key);
  if (radius === undefined) {
    radius = spectralRadius(block, UNITS);
    radii.set(key, radius);
  }
  return radius;
}

/** Zeros, but for the gate that keeps: an LSTM's forget gate (its second), a GRU's update gate (its second too). */
function biases(cell: string, name: string, size: number, memory: number): Float32Array {
  const values = new Float32Array(size);
  if (cell !== "rnn" && name.startsWith("bias_ih")) values.fill(memory, UNITS, 2 * UNITS);
  return values;
}
