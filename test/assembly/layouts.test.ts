import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as all from "../../src/engine/layouts.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { LARGEST_ARGS, ...LAYOUTS } = all;
const layouts = Object.keys(LAYOUTS) as (keyof typeof LAYOUTS)[];
/** Where each struct is declared. */
const SOURCES: Record<(typeof layouts)[number], string> = {
  GemmArgs: "matmul/gemm",
  GemvArgs: "matmul/gemv",
  RecurrentArgs: "cells/recurrent",
  LayerNormArgs: "norm",
  RandomArgs: "random",
  OptimizerArgs: "optimizers",
};

let directory: string;
let offsets: Record<string, () => number>;

/** A module whose exports return every field's offset and every struct's size. */
function offsetsSource(): string {
  return layouts
    .flatMap((layout) => [
      `import { ${layout} } from "../../assembly/${SOURCES[layout]}";`,
      `export function sizeOf${layout}(): i32 { return <i32>offsetof<${layout}>(); }`,
      ...LAYOUTS[layout].fields.map(
        ({ name: field }) =>
          `export function ${layout}_${field}(): i32 { return <i32>offsetof<${layout}>("${field}"); }`,
      ),
    ])
    .join("\n");
}

beforeAll(async () => {
  directory = mkdtempSync(join(root, "build", "layouts-"));
  const source = join(directory, "offsets.ts");
  const binary = join(directory, "offsets.wasm");
  writeFileSync(source, offsetsSource());
  const { error, stderr } = await asc.main([
    relative(root, source),
    "--baseDir",
    root,
    "--config",
    "none",
    "--runtime",
    "stub",
    "--enable",
    "simd,threads,bulk-memory",
    "--outFile",
    relative(root, binary),
  ]);
  if (error) throw new Error(`the offsets did not compile: ${error.message}\n${stderr}`);
  const { instance } = await WebAssembly.instantiate(await readFile(binary), {
    env: { abort: () => {} },
  });
  offsets = instance.exports as Record<string, () => number>;
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.each(layouts)("%s lies in memory as the host writes it", (layout) => {
  const fields = LAYOUTS[layout].fields.map(({ name }) => name);
  const expected = Object.fromEntries(fields.map((field, index) => [field, 4 * index]));
  const actual = Object.fromEntries(fields.map((field) => [field, offsets[`${layout}_${field}`]()]));
  expect(actual).toEqual(expected);
  expect(offsets[`sizeOf${layout}`](), "size: no field is missing from the host's list").toBe(
    4 * fields.length,
  );
});

it("every struct fits the room that the engine keeps for arguments", () => {
  for (const layout of layouts)
    expect(offsets[`sizeOf${layout}`](), layout).toBeLessThanOrEqual(LARGEST_ARGS);
});
