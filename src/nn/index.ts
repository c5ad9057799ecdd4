export { type CellOptions, type CellState, GRUCell, LSTMCell, RNNCell } from "./cells.ts";
export { Dropout, Embedding, LayerNorm, Linear } from "./layers.ts";
export { Module } from "./module.ts";
export {
  GRU,
  type LayerTrace,
  LSTM,
  type LSTMOptions,
  type Recurrent,
  type RecurrentOptions,
  type RecurrentState,
  RNN,
} from "./recurrent.ts";
