export { Dropout, Embedding, Linear } from "./layers.ts";
export { Module } from "./module.ts";
export { GRU, LSTM, type RecurrentOptions, type RecurrentState, RNN } from "./recurrent.ts";
