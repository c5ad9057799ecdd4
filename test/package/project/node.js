import { result } from "./app.js";

console.log(JSON.stringify(await result));
