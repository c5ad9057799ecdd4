/**
 * `npm run example:embed`: trains two demo models, puts them and the pages into a folder that any static host can
 * serve, and serves it. What is trained already stays.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { context } from "esbuild";
import { MODELS, trainModel } from "./models.ts";

const USAGE = `npm run example:embed -- [options]
  --out FOLDER   where pages and models go (build/embed)
  --models A,B   which models (moby-dick,speeches)
  --steps N      training steps for each model, instead of enough
  --port N       where to serve them (8000)
  --no-serve     only make the folder`;

// The bundle of this file lies in build/examples/embed.
const PAGES = fileURLToPath(new URL("../../../examples/embed/pages/", import.meta.url));
const BUNDLE = fileURLToPath(new URL("../../generate.min.js", import.meta.url));

async function main(): Promise<number> {
  let options: {
    out: string;
    models: string;
    steps?: string;
    port: string;
    "no-serve": boolean;
    help: boolean;
  };
  try {
    options = parseArgs({
      options: {
        out: { type: "string", default: "build/embed" },
        models: { type: "string", default: MODELS.map(({ name }) => name).join() },
        steps: { type: "string" },
        port: { type: "string", default: "8000" },
        "no-serve": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
    for (const name of ["steps", "port"] as const) {
      const value = options[name];
      if (value !== undefined && !/^[1-9]\d*$/.test(value)) {
        throw new Error(`--${name}: expected a whole number from 1, got ${value}`);
      }
    }
    if (Number(options.port) > 65535) throw new Error(`--port: expected at most 65535, got ${options.port}`);
    for (const name of options.models.split(",")) {
      if (!MODELS.some((model) => model.name === name)) throw new Error(`--models: there is no ${name}`);
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const { out } = options;
  mkdirSync(out, { recursive: true });
  cpSync(PAGES, out, { recursive: true });
  cpSync(BUNDLE, join(out, "generate.min.js"));
  const names = options.models.split(",");
  for (const model of MODELS.filter(({ name }) => names.includes(name))) {
    const path = join(out, `${model.name}.safetensors`);
    if (existsSync(path) && !options.steps) continue;
    const bar = new SingleBar(
      { format: `{bar} ${model.name}: step {value} of {total}, loss {loss}`, stream: process.stderr },
      Presets.shades_classic,
    );
    const steps = Number(options.steps ?? model.steps);
    bar.start(steps, 0, { loss: "–" });
    const file = await trainModel(model, steps, (step, loss) => bar.update(step, { loss: loss.toFixed(2) }));
    bar.stop();
    writeFileSync(path, file);
    console.log(`${path}: ${Math.round(file.length / 1000)} kB`);
  }
  if (options["no-serve"]) return 0;
  const server = await context({});
  try {
    const { port } = await server.serve({ servedir: out, port: Number(options.port) });
    console.log(`http://127.0.0.1:${port}/ — Ctrl-C ends`);
    return 0;
  } catch (error) {
    console.error(`--port ${options.port}: ${(error as Error).message}`);
    await server.dispose();
    return 1;
  }
}

process.exitCode = await main();
