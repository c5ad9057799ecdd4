import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** The text of one function of a module: from its first line to the line before the next function or export. */
function bodyOf(wat: string, name: string): string {
  const start = wat.indexOf(`\n (func ${name} `);
  expect(start, `${name} in the module`).toBeGreaterThanOrEqual(0);
  const end = wat.indexOf("\n )", start);
  return wat.slice(start, end);
}

// Inlined into its caller, a tile would share the caller's fate of running in V8's baseline compiler for the
// whole first matmul: see assembly/matmul/tile.ts.
it.each(["simd", "relaxed", "wide"])(
  "the %s build keeps the micro-kernels functions of their own",
  (build) => {
    const wat = readFileSync(new URL(`../../build/kernels-${build}.wat`, import.meta.url), "utf8");
    const caller = bodyOf(wat, "$assembly/matmul/panels/multiplyPanels");
    for (const tile of build === "simd" ? ["tileFour"] : ["tileFour", "tileSix"]) {
      const name = `$assembly/matmul/tile/${tile}`;
      expect(bodyOf(wat, name)).toContain(build === "simd" ? "f32x4.mul" : "f32x4.relaxed_madd");
      expect(caller).toContain(`call ${name}\n`);
    }
    // It needs a register for the products more than the tile of six rows leaves.
    if (build === "simd") expect(wat).not.toContain("tile/tileSix");
  },
);
