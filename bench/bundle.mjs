// Bundles programs of bench/ into build/bench/: Node 20 does not read TypeScript.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Returns the address of the first one's bundle. */
export async function bundle(...names) {
  const here = (path) => fileURLToPath(new URL(path, import.meta.url));
  await build({
    entryPoints: names.map((name) => here(`${name}.ts`)),
    outdir: here("../build/bench"),
    entryNames: "[name]",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    // The kernels lie in build/, one folder above the bundles.
    define: { UNROLLED_WASM_BASE: '"../"' },
    sourcemap: "inline",
    logLevel: "warning",
  });
  return new URL(`../build/bench/${names[0].split("/").at(-1)}.js`, import.meta.url).href;
}
