import { Command } from "commander";
import {
  type Diagnosis,
  diagnose,
  type GateStatistics,
  type LayerDiagnosis,
  type MemoryStatistics,
} from "../diagnose/diagnose.ts";
import { FormatError, NumericError } from "../errors.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { loadLanguageModel } from "../models/model-file.ts";
import { lineChartSVG } from "../plot/line-chart.ts";
import { textChart } from "../plot/text-chart.ts";
import type { LanguageBatch } from "../text/corpus.ts";
import { checkWritable, readFileChecked, writeFileAtomic } from "./atomic-write.ts";
import { print } from "./colours.ts";
import { warnUnknown } from "./measure.ts";
import { fileName, integer, numericsOption } from "./options.ts";
import { about, checkIsOther, openEngine, readText } from "./setup.ts";

interface Options {
  length: number;
  rows: number;
  numerics: "fast" | "reproducible";
  svg?: string;
  json?: boolean;
}

export function inspectCommand(): Command {
  return new Command("inspect")
    .description(
      "Show how far a model's gradients reach back through time, and what its gates do, on a batch of a text. " +
        "The loss is that of one token alone, after --length tokens from a state of zeros.",
    )
    .argument("<model>", "model file, as `unrolled train` saved it")
    .argument("<file>", "UTF-8 text")
    .option("--length <tokens>", "tokens that are read before the one that is predicted", integer(1), 100)
    .option("--rows <number>", "pieces of the text, evenly spread over it", integer(1), 32)
    .addOption(numericsOption())
    .option("--svg <path>", "write the gradients' plot as an SVG file too (default: none)", fileName)
    .option("--json", "one JSON object with all figures")
    .action(run);
}

async function run(path: string, textPath: string, options: Options): Promise<void> {
  const { length, rows, svg, json } = options;
  if (svg !== undefined) {
    await checkIsOther("--svg", svg, path, textPath);
    await checkWritable(svg);
  }
  const [bytes, text] = [await readFileChecked(path), await readText(textPath)];
  const engine = await openEngine({ numerics: options.numerics });
  const { model } = about(path, () => loadLanguageModel(engine, bytes));
  const { tokenizer, config } = model;
  if (!tokenizer) throw new FormatError(`${path} holds no tokenizer: it cannot read text`);
  const ids = tokenizer.encode(text);
  const batch = about(textPath, () => batchOf(ids, length, rows));
  warnUnknown(tokenizer, text, textPath, ids);
  const diagnosis = diagnose(model, batch);
  const { loss, layers } = diagnosis;
  if (!Number.isFinite(loss)) throw new NumericError(`${path}: the loss on ${textPath} is ${loss}`);

  if (svg !== undefined)
    await writeFileAtomic(svg, new TextEncoder().encode(drawSVG(diagnosis, path, describeModel(config))));
  if (json) {
    console.log(JSON.stringify({ model: path, text: textPath, build: engine.build, config, ...diagnosis }));
  } else {
    print(`${path}: ${describeModel(config)}`);
    print(
      `${rows} rows of ${length} tokens of ${textPath}: loss of the next token ${loss.toFixed(4)} nats\n`,
    );
    for (const layer of layers) print(`${formatGradients(layer)}\n`);
    print(`${formatGates(layers)}\n`);
    for (const { layer, kind, memory } of layers) {
      if (memory)
        print(`layer ${layer}: ${formatMemory(memory, kind === "lstm" ? "forget gate" : "update gate")}`);
    }
    if (svg !== undefined) print(`plot: ${svg}`);
  }
  engine.close();
}

/**
 * `rows` pieces of `length` tokens, and of each the token after it, which alone is predicted.
 * @throws FormatError if the text has fewer such pieces.
 */
function batchOf(ids: Int32Array, length: number, rows: number): LanguageBatch {
  const starts = ids.length - length;
  if (starts < rows) {
    throw new FormatError(
      `the text has ${ids.length} tokens; ${rows} rows of ${length} tokens and one to predict need at least ` +
        `${length + rows}: try a smaller --length or --rows`,
    );
  }
  const inputs = new Int32Array(length * rows);
  const targets = new Int32Array(length * rows).fill(-1);
  for (let row = 0; row < rows; row++) {
    const start = rows === 1 ? 0 : Math.floor((row * (starts - 1)) / (rows - 1));
    for (let t = 0; t < length; t++) inputs[t * rows + row] = ids[start + t];
    targets[(length - 1) * rows + row] = ids[start + length];
  }
  return { inputs, targets, steps: length, batchSize: rows, continues: false };
}

function describeModel({ cell, numLayers, hiddenSize }: LanguageModel["config"]): string {
  return `${cell.toUpperCase()}, ${numLayers} × ${hiddenSize} units`;
}

/** The norms as a chart, and how they change. */
function formatGradients({ layer, steps, hiddenGradient, cellGradient }: LayerDiagnosis): string {
  const title = `layer ${layer}: norm of the gradient by distance from the loss`;
  const series = [
    { name: "dL/dh", values: withoutOverflow(hiddenGradient) },
    ...(cellGradient ? [{ name: "dL/dc", values: withoutOverflow(cellGradient) }] : []),
  ];
  if (!series.some(({ values }) => values.some(isDrawn))) return `${title}\nno gradient reaches the layer`;
  const note = `0 to ${steps} tokens before the loss`;
  return [
    title,
    textChart({ series, log: true, note, height: 10 }),
    `dL/dh ${describe(hiddenGradient)}`,
  ].join("\n");
}

/** Beyond an overflow there is nothing to draw: zeros, which a logarithmic chart leaves out at the end. */
function withoutOverflow(norms: readonly number[]): number[] {
  return norms.map((norm) => (Number.isFinite(norm) ? norm : 0));
}

/** A gradient may vanish or overflow altogether, and a logarithmic axis has neither. */
function isDrawn(norm: number): boolean {
  return norm > 0 && norm < Number.POSITIVE_INFINITY;
}

/** The first norm, the last one that is neither 0 nor overflown, and the mean factor between. */
function describe(norms: readonly number[]): string {
  const last = norms.findLastIndex(isDrawn);
  const figure = (norm: number): string => norm.toPrecision(3);
  if (last <= 0 || !isDrawn(norms[0])) return figure(norms[0]);
  const factor = Math.exp(Math.log(norms[last] / norms[0]) / last);
  return `${figure(norms[0])} at the loss, ${figure(norms[last])} ${last} tokens before: ×${factor.toFixed(3)} a token`;
}

function formatGates(layers: readonly LayerDiagnosis[]): string {
  const rows = layers.flatMap(({ layer, gates, spectralRadius }) =>
    Object.entries(gates).map(([gate, statistics], i) =>
      row(i === 0 ? `layer ${layer}` : "", gate, statistics, spectralRadius[gate]),
    ),
  );
  const head = `${"".padEnd(10)}gate    mean     shut     open   spectral radius of W_hh`;
  const meaning = "shut: below 0.1, or −0.9 where a gate is a tanh (g, n, h); open: above 0.9";
  return [head, ...rows, meaning].join("\n");
}

function row(layer: string, gate: string, { mean, low, high }: GateStatistics, radius: number): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(9);
  return `${layer.padEnd(10)}${gate.padEnd(4)}${mean.toFixed(3).padStart(8)}${percent(low)}${percent(high)}  ${radius.toFixed(3).padStart(7)}`;
}

function formatMemory({ mean, halfLives }: MemoryStatistics, gate: string): string {
  const sorted = halfLives.map((life) => life ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const tokens = (life: number): string => (life === Number.POSITIVE_INFINITY ? "∞" : life.toFixed(2));
  const [shortest, median, longest] = [0, (sorted.length - 1) >> 1, sorted.length - 1].map((i) =>
    tokens(sorted[i]),
  );
  return (
    `${gate} ${mean.toFixed(3)} on average; half-lives of the units, in tokens: shortest ${shortest}, ` +
    `median ${median}, longest ${longest}`
  );
}

function drawSVG({ layers }: Diagnosis, path: string, model: string): string {
  const points = (norms: readonly number[]): [number, number][] =>
    norms.map((norm, distance): [number, number] => [distance, norm]).filter(([, norm]) => isDrawn(norm));
  const series = layers.flatMap(({ layer, hiddenGradient, cellGradient }) => [
    { name: `dL/dh, layer ${layer}`, points: points(hiddenGradient), color: layer },
    ...(cellGradient
      ? [{ name: `dL/dc, layer ${layer}`, points: points(cellGradient), color: layer, dashed: true }]
      : []),
  ]);
  const drawn = series.filter(({ points }) => points.length > 0);
  if (drawn.length === 0)
    throw new NumericError(`${path}: there is no gradient to draw: all are zero or infinite`);
  return lineChartSVG({
    title: "How far gradients reach back",
    subtitle: `${model}: norm of the gradient of one token's loss`,
    x: { label: "distance from the loss, tokens" },
    y: { label: "norm of the gradient", log: true },
    series: drawn,
  });
}
