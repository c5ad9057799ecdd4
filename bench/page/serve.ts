/** `npm run bench:page`: serves the page until Ctrl-C, isolated, so that threads can share memory. */
import { parseArgs } from "node:util";
import { serve } from "../../test/browser/serve.ts";

const USAGE = `Usage: npm run bench:page -- [options]

  --help  this text`;

async function main(): Promise<number> {
  let options: { help: boolean };
  try {
    // The name of the script comes first.
    const args = process.argv.slice(3);
    options = parseArgs({ args, options: { help: { type: "boolean", default: false } } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const { url } = await serve("build/bench/page", { isolated: true });
  console.log(`The benchmarks are at ${url} (Ctrl-C ends).`);
  return 0;
}

process.exitCode = await main();
