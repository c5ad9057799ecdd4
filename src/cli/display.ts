/** What a training run shows: for people a progress bar, a line an evaluation and a plot; for machines JSON lines. */
import { stripVTControlCharacters, styleText } from "node:util";
import asciichart from "asciichart";
import { Presets, SingleBar } from "cli-progress";
import type { LanguageModelConfig } from "../models/language-model.ts";
import type { StepReport, ValidationReport } from "../train/train.ts";

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
  /** `clippedShare`: of all steps, those whose gradients clipping by norm changed. */
  finish(path: string, clippedShare: number): void;
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

/** With the labels it fits into 80 columns, and so does the bar. */
const PLOT_WIDTH = 64;
const PLOT_HEIGHT = 14;
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
    const lines = text.trim().split(/\r?\n/);
    // A text may have taught the model characters that move a terminal's cursor.
    this.#above(lines.map((line) => styleText("dim", `  │ ${line.replace(/\p{Cc}/gu, " ")}`)).join("\n"));
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  interrupted(path: string, step: number, steps: number): void {
    print(`stopped at step ${step} of ${steps}; checkpoint saved to ${path}`);
    print(`go on with:  npx unrolled train --resume ${path}`);
  }

  finish(path: string, clippedShare: number): void {
    this.stop();
    if (this.#losses.length > 1) print(`\n${this.#plot()}\n`);
    if (this.#losses.length > 0) print(`clipping touched ${(100 * clippedShare).toFixed(1)} % of the steps`);
    print(`saved to ${path}`);
    print(`try:  npx unrolled generate ${path} --prompt "Call me"`);
  }

  /** Prints lines where the bar was; the bar follows below. */
  #above(text: string): void {
    // The bar has line wrapping switched off, which long lines need.
    if (this.#bar) process.stderr.write("\r\x1b[K\x1b[?7h");
    print(text);
    if (this.#bar) process.stderr.write("\x1b[?7l");
  }

  /** Training loss (the mean of each column's steps) and validation loss (the latest one) over the steps. */
  #plot(): string {
    const done = this.#losses.length;
    const width = Math.min(PLOT_WIDTH, done);
    const training: number[] = [];
    const validation: number[] = [];
    for (let column = 0; column < width; column++) {
      const to = Math.floor(((column + 1) * done) / width);
      const losses = this.#losses.slice(Math.floor((column * done) / width), to);
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      training.push(mean);
      const known = this.#validations.filter(({ step }) => step - this.#firstStep <= to);
      // Until the first evaluation the line hides behind the training loss, which is drawn over it.
      validation.push(known.at(-1)?.loss ?? mean);
    }
    const all = [...training, ...validation];
    const chart = asciichart.plot([validation, training], {
      height: PLOT_HEIGHT,
      min: Math.min(...all),
      max: Math.max(...all),
      colors: [asciichart.yellow, asciichart.blue],
    });
    // Dots tell validation apart where there are no colours.
    const parts = chart.split(asciichart.yellow).map((part, i) => (i > 0 ? `·${part.slice(1)}` : part));
    const legend = `${styleText("blue", "── training")}   ${styleText("yellow", "·· validation")}`;
    const range = `steps ${this.#firstStep + 1} to ${this.#firstStep + done}`;
    return `${parts.join(asciichart.yellow)}\n${" ".repeat(13)}${legend}   nats per token, ${range}`;
  }
}

/** To standard output; without colours where that is no terminal, or where NO_COLOR is set. */
function print(text: string): void {
  const colours = process.stdout.isTTY && process.stdout.hasColors();
  console.log(colours ? text : stripVTControlCharacters(text));
}

function count(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
