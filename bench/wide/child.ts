/** Times all kernels in one build, the first argument, and writes milliseconds by kernel as JSON. */
import { createEngine } from "../../src/engine/engine.ts";
import { compare } from "../measure.ts";
import { kernelWorks } from "./kernels.ts";

const SAMPLE = 2;

const engine = await createEngine({ wide: process.argv[2] === "wide", threads: 1 });
if (engine.narrow) throw new Error(`there is no wide build here: ${engine.narrow}`);
const works = kernelWorks(engine);
const times = await compare("kernels", Object.values(works), { sample: SAMPLE, between: () => {} });
const names = Object.keys(works);
process.stdout.write(`\n${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, times[i]])))}\n`);
