// Bundles an example and runs it in this process: Node 20 does not read TypeScript.
// node examples/run.mjs NAME [options of the example]
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { build } from "esbuild";

const [name] = process.argv.splice(2, 1);
const entry = (file) => fileURLToPath(new URL(`${name}/${file}.ts`, import.meta.url));
const output = new URL(`../build/examples/${name}/`, import.meta.url);
await build({
  entryPoints: [entry("main"), entry("worker")].filter(existsSync),
  outdir: fileURLToPath(output),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  // The kernels lie in build/, two folders above the bundles. "unrolled" itself is src/, by tsconfig.json's paths.
  define: { UNROLLED_WASM_BASE: '"../../"' },
  sourcemap: "inline",
  logLevel: "warning",
});
// Node 20 and 21 have relaxed SIMD behind a flag; later ones have it without, and refuse the flag.
if (Number(process.versions.node.split(".")[0]) < 22) setFlagsFromString("--experimental-wasm-relaxed-simd");
try {
  await import(new URL("main.js", output).href);
} catch (error) {
  // Of the file system: a folder that cannot be made says enough without a stack.
  if (error.syscall === undefined) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
