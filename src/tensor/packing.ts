import type { Engine } from "../engine/engine.ts";
import { ShapeError } from "../errors.ts";
import { rowParts } from "./split.ts";
import { record } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * A batch of sequences of several lengths without its padding: rows sorted by length, the longest first, and tokens
 * step after step, so that a step's tokens lie one behind the other. Layers compute on the N real tokens alone.
 */
export interface Packing {
  /** T, padding included. */
  readonly steps: number;
  /** B */
  readonly batch: number;
  /** N, the number of tokens: the sum of all lengths. */
  readonly tokens: number;
  /** The lengths in sorted order. */
  readonly lengths: Int32Array;
  /** [T + 1]: step t has the tokens offsets[t] to offsets[t + 1], of the first rows. */
  readonly offsets: Tensor;
  /** [B]: which row of the batch each sorted row is, and the other way round. */
  readonly order: Tensor;
  readonly inverse: Tensor;
  /** [N]: each token's place in [T·B], rows as in the batch; and rows sorted, as in a history. */
  readonly places: Tensor;
  readonly slots: Tensor;
  /** [B]: where in a history [(T + 1)·B] each sorted row has the slot behind its last token. */
  readonly ends: Tensor;
}

/**
 * @param lengths steps of each row, from 0 to `steps`.
 * @throws ShapeError unless there is one length a row, each in range, and one token at least.
 */
export function createPacking(
  engine: Engine,
  steps: number,
  batch: number,
  lengths: ArrayLike<number>,
): Packing {
  if (lengths.length !== batch) {
    throw new ShapeError(`lengths: expected one for each of ${batch} rows, got ${lengths.length}`);
  }
  let tokens = 0;
  for (let row = 0; row < batch; row++) {
    const length = lengths[row];
    if (!Number.isInteger(length) || length < 0 || length > steps) {
      throw new ShapeError(`lengths: expected integers from 0 to ${steps}, got ${length} for row ${row}`);
    }
    tokens += length;
  }
  if (tokens === 0) throw new ShapeError("lengths: expected at least one row with a step, got only zeros");

  const order = Int32Array.from({ length: batch }, (_, row) => row);
  order.sort((a, b) => lengths[b] - lengths[a] || a - b);
  const inverse = new Int32Array(batch);
  const sorted = new Int32Array(batch);
  const ends = new Int32Array(batch);
  for (const [i, row] of order.entries()) {
    inverse[row] = i;
    sorted[i] = lengths[row];
    ends[i] = lengths[row] * batch + i;
  }
  const offsets = new Int32Array(steps + 1);
  const places = new Int32Array(tokens);
  const slots = new Int32Array(tokens);
  let token = 0;
  let rows = batch;
  for (let t = 0; t < steps; t++) {
    offsets[t] = token;
    while (rows > 0 && sorted[rows - 1] <= t) rows--;
    for (let i = 0; i < rows; i++, token++) {
      places[token] = t * batch + order[i];
      slots[token] = t * batch + i;
    }
  }
  offsets[steps] = token;
  const ids = (values: Int32Array): Tensor => engine.ids(values, [values.length]);
  return {
    steps,
    batch,
    tokens,
    lengths: sorted,
    offsets: ids(offsets),
    order: ids(order),
    inverse: ids(inverse),
    places: ids(places),
    slots: ids(slots),
    ends: ids(ends),
  };
}

/** The real tokens of x: [T, B, F] → [N, F]. */
export function pack(x: Tensor, { tokens, places }: Packing): Tensor {
  return moveRows([x], { count: tokens, from: places }, [tokens, x.shape[2]]);
}

/** Likewise of ids: [T, B] → [N]. */
export function packIds(ids: Tensor, { tokens, places }: Packing): Tensor {
  const all = ids.toArray();
  return ids.engine.ids(
    Int32Array.from(places.toArray(), (place) => all[place]),
    [tokens],
  );
}

/** The real tokens of layers' outputs, which are states with sorted rows [T, B, …], side by side: [N, ΣF]. */
export function packStates(states: readonly Tensor[], { tokens, slots }: Packing): Tensor {
  return moveRows(states, { count: tokens, from: slots }, [tokens, width(states)]);
}

/** The same with rows as in the batch, and zeros on padding, from which no gradient comes: [T, B, ΣF]. */
export function unpackStates(states: readonly Tensor[], packing: Packing): Tensor {
  const { steps, batch, tokens, slots, places } = packing;
  return moveRows(states, { count: tokens, from: slots, to: places }, [steps, batch, width(states)]);
}

function width(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { shape }) => sum + shape[shape.length - 1], 0);
}

export interface Move {
  /** How many rows. */
  count: number;
  /** [count]: which rows of the sources, each once. Default: in order. */
  from?: Tensor;
  /** [count]: which rows of the result. Default: in order. */
  to?: Tensor;
}

/**
 * Rows of tensors, a row being the last dimension, side by side in the places `to` of a tensor of another shape; zeros
 * in the others. Back: each row receives the gradient of where it went.
 */
export function moveRows(
  sources: readonly Tensor[],
  { count, from, to }: Move,
  shape: readonly number[],
): Tensor {
  const { engine } = sources[0];
  const stride = shape[shape.length - 1];
  const sourceRows = from ? engine.use(from) : 0;
  const targetRows = to ? engine.use(to) : 0;
  const y = to ? engine.zeros(shape) : engine.empty(shape, "f32", "rows");
  let offset = 0;
  const places = sources.map((x) => {
    const size = x.shape[x.rank - 1];
    const [source, target] = [engine.use(x), y.pointer + offset];
    const parts = rowParts(engine, count, size, 64);
    engine.run("moveRows", parts, target, targetRows, stride, source, sourceRows, size, count, size, 0);
    const place = { x, size, offset };
    offset += 4 * size;
    return place;
  });
  record([y], sources, () => {
    for (const { x, size, offset } of places) {
      if (!x.requiresGrad) continue;
      const [dx, dy] = [x.gradient.pointer, y.gradient.pointer + offset];
      const parts = rowParts(engine, count, size, 64);
      engine.run("moveRows", parts, dx, sourceRows, size, dy, targetRows, stride, count, size, 1);
    }
  });
  return y;
}
