// Builds the page of benchmarks into build/bench/page, then runs a script that serves it: serve.ts or browsers.ts.
import { spawnSync } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const output = here("../../build/bench/page/");
const common = { bundle: true, format: "esm", logLevel: "warning" };

// Its own words would be in the way of JSON.
spawnSync("npm", ["run", "--silent", "install:drivers"], {
  stdio: ["ignore", "ignore", "inherit"],
  shell: process.platform === "win32",
});

await build({
  ...common,
  entryPoints: [here("page.ts"), here("worker.ts")],
  outdir: output,
  platform: "browser",
  target: "es2022",
  minify: true,
  // Of the library's ways to read files and start threads those that are Node's.
  external: ["node:*"],
  define: { UNROLLED_WASM_BASE: '"./"' },
});
for (const file of ["index.html", "page.css"]) await copyFile(here(file), `${output}${file}`);
for (const name of ["kernels-simd.wasm", "kernels-relaxed.wasm"]) {
  await copyFile(here(`../../build/${name}`), `${output}${name}`);
}

const script = new URL(`../../build/bench/${process.argv[2]}.js`, import.meta.url);
await build({
  ...common,
  entryPoints: [here(`${process.argv[2]}.ts`)],
  outfile: fileURLToPath(script),
  platform: "node",
  target: "node20",
  // Packages too, since those of test/browser are installed there. What they require at run time comes from Node.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  define: { "import.meta.url": JSON.stringify(new URL("../../test/browser/find.ts", import.meta.url).href) },
});
await import(script.href);
