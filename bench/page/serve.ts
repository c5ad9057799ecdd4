/** `npm run bench:page`: serves the page until Ctrl-C, isolated, so that threads can share memory. */
import { serve } from "../../test/browser/serve.ts";

const { url } = await serve("build/bench/page", { isolated: true });
console.log(`The benchmarks are at ${url} (Ctrl-C ends).`);
