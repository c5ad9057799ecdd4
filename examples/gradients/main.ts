/**
 * `npm run example:gradients`: what becomes of gradients on their way back through time, from one weight to trained
 * cells. Every figure comes from the layers' own backward passes. Shows plots, and writes them and all figures.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { createEngine } from "unrolled";
import { CELLS, type Cell } from "../memory/model.ts";
import { type CellResult, measureCell } from "./cells.ts";
import { type ClippingResult, measureClipping } from "./clipping.ts";
import { measureLinear } from "./linear.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { measureRadius } from "./radius.ts";
import { cellSections, clippingSection, linearSection, radiusSection } from "./report.ts";

const WEIGHTS = [0.9, 1.1];
const RADII = [0.5, 0.75, 0.9, 1, 1.25, 1.5];
const CLIPS = [Number.POSITIVE_INFINITY, 1];
const STEPS_BACK = 100;
const LENGTH = 200;

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
  const { seed, out, json } = options;
  mkdirSync(out, { recursive: true });
  // The same figures everywhere.
  const engine = await createEngine({ numerics: "reproducible", seed });
  const linear = WEIGHTS.map((weight) => measureLinear(engine, weight, STEPS_BACK));
  const radius = RADII.map((value) => {
    engine.random.state = { seed, block: 0 };
    return measureRadius(engine, value, STEPS_BACK);
  });
  const clipping: ClippingResult[] = [];
  for (const clip of CLIPS) clipping.push(await measureClipping(engine, clip, seed));
  const cells = await measureCells(options, (cell, onStep) =>
    measureCell(engine, cell, { length: LENGTH, steps: options.steps, seed, onStep }),
  );
  engine.close();

  const report = `${JSON.stringify({ seed, linear, radius, clipping, cells }, undefined, 2)}\n`;
  writeFileSync(join(out, "gradients.json"), report);
  if (json) process.stdout.write(report);
  const sections = [
    linearSection(linear),
    radiusSection(radius),
    clippingSection(clipping),
    ...cellSections(cells),
  ];
  const colours = process.stdout.isTTY && process.stdout.hasColors();
  for (const { name, svg, text } of sections) {
    const path = join(out, `gradients-${name}.svg`);
    writeFileSync(path, svg);
    if (!json) console.log(`\n${colours ? text : stripVTControlCharacters(text)}\nplot: ${path}`);
  }
  return 0;
}

/** Trains one cell after the other, with a bar on standard error if that is a terminal. */
async function measureCells(
  { steps }: Options,
  measure: (cell: Cell, onStep: (step: number) => void) => Promise<CellResult>,
): Promise<CellResult[]> {
  const names = Object.keys(CELLS) as Cell[];
  const bar =
    process.stderr.isTTY &&
    new SingleBar(
      { format: "{bar} training {cell}", stream: process.stderr, clearOnComplete: true, hideCursor: true },
      Presets.shades_classic,
    );
  if (bar) bar.start(names.length * steps, 0, { cell: "" });
  const results: CellResult[] = [];
  try {
    for (const [i, cell] of names.entries()) {
      const onStep = (step: number): void => {
        if (bar) bar.update(i * steps + step, { cell: cell.toUpperCase() });
      };
      results.push(await measure(cell, onStep));
    }
  } finally {
    if (bar) bar.stop();
  }
  return results;
}

process.exitCode = await main();
