// Bundles the benchmarks and runs them in this process: Node 20 does not read TypeScript.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const output = new URL("../build/bench/main.js", import.meta.url);
await build({
  entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
  outfile: fileURLToPath(output),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  // The kernels lie in build/, one folder above the bundle.
  define: { UNROLLED_WASM_BASE: '"../"' },
  sourcemap: "inline",
  logLevel: "warning",
});
await import(output.href);
