/** What a training run shows: for people a progress bar, a line an evaluation and a plot; for machines JSON lines. */
import { styleText } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import type { LanguageModelConfig } from "../models/language-model.ts";
import { textChart } from "../plot/text-chart.ts";
import type { StepReport, ValidationReport } from "../train/train.ts";
import { print, withoutControls } from "./colours.ts";
import { quoted } from "./quoted.ts";

export interface StartReport {
  file: string;
  tokens: number;
  validationTokens: number;
  /** What the tokens are. */
  tokenizer: string;
  vocabSize: number;
  /** Of the training part. */
  bytesPerToken: number;
  /** The share of its tokens that are `<unk>`. */
  unknown: number;
  parameters: number;
  config: LanguageModelConfig;
  steps: number;
  step: number;
  build: string;
}

/** Bits per byte of the text, unlike those per token, compare with other tokenizers'. */
export type MeasuredValidation = ValidationReport & { bitsPerByte: number };

export interface Display {
  start(report: StartReport): void;
  step(report: StepReport): void;
  validation(report: MeasuredValidation): void;
  sample(text: string): void;
  /** Takes the progress bar away. */
  stop(): void;
  interrupted(path: string, step: number, steps: number): void;
  /** `clippedShare`: of all steps, those whose gradients clipping by norm changed. `prompt`: one to try. */
  finish(path: string, clippedShare: number, prompt?: string): void;
}

export function createDisplay(json: boolean): Display {
  return json ? new JsonDisplay() : new TerminalDisplay();
}

class JsonDisplay implements Display {
  start(report: StartReport): void {
    this.#print({ kind: "start", ...report });
  }
  step(report: StepReport): void {
    this.#print(report);
  }
  validation(report: MeasuredValidation): void {
    this.#print(report);
  }
  sample(text: string): void {
    this.#print({ kind: "sample", text });
  }
  stop(): void {}
  interrupted(path: string, step: number, steps: number): void {
    this.#print({ kind: "interrupted", path, step, steps });
  }
  finish(path: string, clippedShare: number): void {
    this.#print({ kind: "saved", path, clippedShare });
  }
  #print(report: object): void {
    console.log(JSON.stringify(report));
  }
}

/** Without a terminal there is no bar, but a line every so many milliseconds. */
const LINE_EVERY = 10_000;

class TerminalDisplay implements Display {
  readonly #losses: number[] = [];
  readonly #validations: { step: number; loss: number }[] = [];
  #bar: SingleBar | undefined;
  #firstStep = 0;
  #lastLine = performance.now();

  start(report: StartReport): void {
    const { file, tokens, validationTokens, parameters, config, steps, step, build } = report;
    const { cell = "lstm", numLayers, embeddingSize, hiddenSize, projSize, vocabSize } = config;
    const projection = projSize ? ` projected to ${projSize}` : "";
    print(
      `${styleText("bold", file)}: ${count(tokens)} tokens to train on, ${count(validationTokens)} held out`,
    );
    const unknown = report.unknown > 0 ? `, ${(100 * report.unknown).toFixed(2)} % of them <unk>` : "";
    print(`tokens are ${report.tokenizer}: ${report.bytesPerToken.toFixed(2)} bytes per token${unknown}`);
    print(
      `${cell.toUpperCase()}, ${numLayers} × ${hiddenSize} units${projection}, embedding ${embeddingSize}, vocabulary ${vocabSize}: ` +
        `${count(parameters)} parameters`,
    );
    print(`${steps} steps${step > 0 ? `, going on from step ${step}` : ""}; ${build} kernels`);
    this.#firstStep = step;
    if (!process.stderr.isTTY) return;
    this.#bar = new SingleBar(
      {
        format: "{bar} {value}/{total}  loss {loss}  |g| {norm}  {speed} tok/s  {left} left",
        barsize: 16,
        hideCursor: true,
        clearOnComplete: true,
        linewrap: false,
        stream: process.stderr,
        gracefulExit: false,
      },
      Presets.shades_classic,
    );
    this.#bar.start(steps, step, { loss: "–", norm: "–", speed: "–", left: "–" });
  }

  step(report: StepReport): void {
    this.#losses.push(report.loss);
    const loss = report.loss.toFixed(3);
    const norm = report.gradientNorm.toFixed(2);
    const speed = count(report.tokensPerSecond);
    const left = duration(report.secondsLeft);
    if (this.#bar) {
      this.#bar.update(report.step, { loss, norm, speed, left });
    } else if (performance.now() - this.#lastLine > LINE_EVERY) {
      this.#lastLine = performance.now();
      print(
        `step ${report.step}/${report.steps}  loss ${loss}  gradient norm ${norm}  ${speed} tokens/s  ${left} left`,
      );
    }
  }

  validation({ step, loss, perplexity, bitsPerByte }: MeasuredValidation): void {
    this.#validations.push({ step, loss });
    const figures = `loss ${loss.toFixed(4)}  perplexity ${perplexity.toFixed(2)}  ${bitsPerByte.toFixed(3)} bits/byte`;
    this.#above(`${styleText("bold", `step ${step}`)}  validation ${figures}`);
  }

  sample(text: string): void {
    // A text may have taught the model characters that move a terminal's cursor.
    const lines = withoutControls(text.trim().replaceAll("\r\n", "\n")).split("\n");
    this.#above(lines.map((line) => styleText("dim", `  │ ${line}`)).join("\n"));
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  interrupted(path: string, step: number, steps: number): void {
    print(`stopped at step ${step} of ${steps}; checkpoint saved to ${path}`);
    print(`go on with:  npx unrolled train --resume ${quoted(path)}`);
  }

  finish(path: string, clippedShare: number, prompt?: string): void {
    this.stop();
    if (this.#losses.length > 1) print(`\n${this.#plot()}\n`);
    if (this.#losses.length > 0) print(`clipping touched ${(100 * clippedShare).toFixed(1)} % of the steps`);
    print(`saved to ${path}`);
    const continuing = prompt === undefined ? "" : ` --prompt "${prompt}"`;
    print(`try:  npx unrolled generate ${quoted(path)}${continuing}`);
  }

  /** Prints lines where the bar was; the bar follows below. */
  #above(text: string): void {
    // The bar has line wrapping switched off, which long lines need.
    if (this.#bar) process.stderr.write("\r\x1b[K\x1b[?7h");
    print(text);
    if (this.#bar) process.stderr.write("\x1b[?7l");
  }

  /** Training loss and validation loss (the latest one) over the steps. */
  #plot(): string {
    const done = this.#losses.length;
    // Until the first evaluation the line hides behind the training loss, which is drawn over it.
    const validation = [...this.#losses];
    for (const { step, loss } of this.#validations)
      validation.fill(loss, Math.max(0, step - this.#firstStep - 1));
    return textChart({
      series: [
        { name: "training", values: this.#losses },
        { name: "validation", values: validation },
      ],
      note: `nats per token, steps ${this.#firstStep + 1} to ${this.#firstStep + done}`,
    });
  }
}

function count(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
