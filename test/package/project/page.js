import { result } from "./app.js";

globalThis.result = result;
