/** The figures as Markdown tables. */
import type { EncodingRow, WorstCaseRow } from "./encoding.ts";
import type { MemoryRow } from "./memory.ts";
import type { GrowthRow, TrainingRow } from "./training.ts";

/** What `--json` prints. Times are medians in milliseconds unless their names say otherwise. */
export interface Report {
  machine: string;
  runtime: string;
  date: string;
  training?: TrainingRow[];
  growth?: GrowthRow[];
  encoding?: EncodingRow[];
  worstCases?: WorstCaseRow[];
  memory?: MemoryRow;
  /** What was left out, and why. */
  skipped: string[];
}

export function formatJson(report: Report): string {
  const round = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(report, round, 2);
}

export function formatMarkdown(report: Report): string {
  const { training, growth, encoding, worstCases, memory, skipped } = report;
  const sections: string[] = [];
  if (training) {
    const header = ["tokens", "text", "unrolled", "first run", "Hugging Face, 1 thread", "ratio", "merges"];
    const rows = training.map((row) => [
      String(row.vocabSize),
      megabytes(row.megabytes),
      milliseconds(row.ours),
      milliseconds(row.first),
      row.huggingFace === undefined ? "–" : milliseconds(row.huggingFace),
      row.speedup === undefined ? "–" : times(row.speedup),
      row.sameMerges === undefined ? "–" : row.sameMerges ? "the same" : "DIFFERENT",
    ]);
    sections.push(table("Training a byte-level BPE on English", header, rows));
  }
  if (growth) {
    const rows = growth.map((row) => [
      megabytes(row.megabytes),
      milliseconds(row.ours),
      row.growth === undefined ? "" : times(row.growth),
    ]);
    sections.push(table("Training 4096 tokens on more text", ["text", "unrolled", "growth"], rows));
  }
  if (encoding) {
    const rows = encoding.map((row) => [
      row.name,
      `${row.megabytesPerSecond.toFixed(1)} MB/s`,
      times(row.ratio),
      row.sameIds ? "the same" : "DIFFERENT",
    ]);
    const header = ["encoder", "speed", "unrolled is faster by", "ids"];
    sections.push(table("Encoding fresh English with GPT-2's vocabulary", header, rows));
  }
  if (worstCases) {
    const rows = worstCases.map((row) => [
      row.task,
      row.name,
      milliseconds(row.half),
      milliseconds(row.whole),
      times(row.growth),
    ]);
    const header = ["task", "text", "500 000", "1 000 000", "growth"];
    sections.push(table("Worst cases, in code units (2× is linear, 4× quadratic)", header, rows));
  }
  if (memory) {
    const row = [
      String(memory.vocabSize),
      megabytes(memory.megabytes),
      `${memory.peakMegabytes.toFixed(0)} MB`,
      `${memory.seconds.toFixed(1)} s`,
    ];
    sections.push(
      table("Training on a file", ["tokens", "text", "peak memory of the process", "time"], [row]),
    );
  }
  if (skipped.length > 0) sections.push(skipped.map((reason) => `Left out: ${reason}`).join("\n"));
  sections.push(`${report.machine}; ${report.runtime}; ${report.date}`);
  return sections.join("\n\n");
}

function table(title: string, header: string[], rows: string[][]): string {
  const lines = [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `**${title}**\n\n${lines.join("\n")}`;
}

function megabytes(value: number): string {
  return `${value.toFixed(1)} MB`;
}

function milliseconds(value: number): string {
  return value < 10_000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function times(value: number): string {
  return `${value.toFixed(2)}×`;
}
