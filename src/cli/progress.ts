/** A progress bar on standard error while a tokenizer is trained, if that is a terminal. */
import { Presets, SingleBar } from "cli-progress";
import type { BPEProgress } from "../text/bpe/training.ts";

export interface TrainingProgress {
  onProgress: (progress: BPEProgress) => void;
  stop(): void;
}

/** `bytes`: how long the texts are; nearly as many characters. */
export function tokenizerProgress(bytes: number, isShown: boolean = process.stderr.isTTY): TrainingProgress {
  if (!isShown) return { onProgress: () => {}, stop: () => {} };
  const bar = new SingleBar(
    {
      format: "{bar} {percentage} %  {what}",
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
      stream: process.stderr,
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  bar.start(bytes, 0, { what: "reading" });
  return {
    onProgress: (progress) => {
      if (progress.phase === "count") {
        bar.update(Math.min(bytes, progress.characters), {
          what: `${(progress.characters / 1e6).toFixed(1)} million characters read`,
        });
      } else {
        bar.setTotal(progress.vocabSize);
        bar.update(progress.tokens, { what: `${progress.tokens} of ${progress.vocabSize} tokens` });
      }
    },
    stop: () => bar.stop(),
  };
}
