/** Learns a vocabulary from a file and reports the process's peak memory: `memory-child FILE VOCAB-SIZE`. */
import { createReadStream, statSync } from "node:fs";
import { Readable } from "node:stream";
import { ByteLevelBPETokenizer } from "../../src/text/byte-level-bpe.ts";
import { time } from "./measure.ts";
import type { ChildReport } from "./memory.ts";

const [path, vocabSize] = process.argv.slice(2);
const source = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
const milliseconds = await time(() => ByteLevelBPETokenizer.train(source, { vocabSize: Number(vocabSize) }));
const report: ChildReport = {
  bytes: statSync(path).size,
  peakKilobytes: process.resourceUsage().maxRSS,
  milliseconds,
};
console.log(JSON.stringify(report));
