/**
 * `npm run bench:peers`: the same models, with the same weights, here and in other libraries, on this machine now.
 * Installs the libraries that are not there yet, measures and prints.
 */
import { parseArgs } from "node:util";
import { choose, compare } from "./compare.mjs";
import { installPeers } from "./install.mjs";
import { formatJson, formatMarkdown } from "./report.mjs";

const USAGE = `Usage: npm run bench:peers -- [options]

  --threads N    for every library that has threads in Node (default 1)
  --json         JSON instead of Markdown (with npm run --silent)
  --filter NAME  only the workloads whose name contains NAME, or one of several: W7, or W1,W2
  --help         this text`;

async function main() {
  let options;
  let chosen;
  try {
    options = parseArgs({
      options: {
        threads: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        filter: { type: "string", default: "" },
        help: { type: "boolean", default: false },
      },
    }).values;
    if (!/^[1-9]\d?$/.test(options.threads)) {
      throw new Error(`--threads: expected a number from 1 to 99, got ${options.threads}`);
    }
    chosen = choose(options.filter);
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  installPeers();
  const report = await compare(chosen, Number(options.threads));
  console.log(options.json ? formatJson(report) : formatMarkdown(report));
  for (const what of report.wrong) console.error(`${what}: their times cannot be compared`);
  return report.wrong.length > 0 ? 1 : 0;
}

process.exitCode = await main();
