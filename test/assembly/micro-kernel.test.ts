import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const TILE = "$assembly/matmul/tile/tile4x8";

/** The text of one function of a module: from its first line to the line before the next function or export. */
function bodyOf(wat: string, name: string): string {
  const start = wat.indexOf(`\n (func ${name} `);
  expect(start, `${name} in the module`).toBeGreaterThanOrEqual(0);
  const end = wat.indexOf("\n )", start);
  return wat.slice(start, end);
}

// Inlined into its caller, the tile would share the caller's fate of running in V8's baseline compiler for the
// whole first matmul: see assembly/matmul/tile.ts.
it.each(["simd", "relaxed"])("the %s build keeps the micro-kernel a function of its own", (build) => {
  const wat = readFileSync(new URL(`../../build/kernels-${build}.wat`, import.meta.url), "utf8");
  expect(wat).toContain(`(export "tile4x8" (func ${TILE}))`);
  expect(bodyOf(wat, TILE)).toContain(build === "relaxed" ? "f32x4.relaxed_madd" : "f32x4.mul");
  expect(bodyOf(wat, "$assembly/matmul/panels/multiplyPanels")).toContain(`call ${TILE}\n`);
});
