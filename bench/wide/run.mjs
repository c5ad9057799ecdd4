import { bundle } from "../bundle.mjs";

await import(await bundle("wide/joined", "wide/child"));
