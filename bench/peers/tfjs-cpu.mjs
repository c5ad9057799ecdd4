export * from "./tfjs.mjs";

import { start } from "./tfjs.mjs";

export const name = await start("cpu");
