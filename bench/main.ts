/** `npm run bench`: the suite in Node. */
import { setFlagsFromString } from "node:v8";
import { supports } from "../src/engine/load.ts";
import { ConfigError } from "../src/errors.ts";
import { circumstances } from "./circumstances.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { formatJson, formatMarkdown, type Row } from "./report.ts";
import { run } from "./suite.ts";

/** A matmul faster than the peak, beyond what clocks do, means that one of the two was measured wrongly. */
const PEAK_TOLERANCE = 1.02;
/** Milliseconds. Node's clock is fine: this only makes the overhead of taking the time negligible. */
const SAMPLE = 2;

async function main(): Promise<number> {
  let options: Options | "help";
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options === "help") {
    console.log(USAGE);
    return 0;
  }
  // Node 20 has relaxed SIMD behind a flag, which newer versions, that need none, do not know.
  if (!supports("relaxed")) setFlagsFromString("--experimental-wasm-relaxed-simd");
  let told: string | undefined;
  const tell = ({ name }: Row) => {
    if (name !== told) console.error(`${name} done`);
    told = name;
  };
  let rows: Row[];
  try {
    rows = await run(options.filter, tell, { sample: SAMPLE, wide: options.wide });
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof ConfigError)) throw error;
    console.error(error.message);
    return 2;
  }
  const format = options.json ? formatJson : formatMarkdown;
  console.log(format(rows, circumstances(`Node ${process.versions.node} (V8 ${process.versions.v8})`)));

  const wrong = rows.filter(({ name, ofPeak }) => name.startsWith("W7/") && (ofPeak ?? 0) > PEAK_TOLERANCE);
  for (const { name, build, ofPeak } of wrong) {
    console.error(
      `${name} (${build}) came out at ${ofPeak?.toFixed(3)} of the peak: this run cannot be trusted`,
    );
  }
  return wrong.length > 0 ? 1 : 0;
}

process.exitCode = await main();
