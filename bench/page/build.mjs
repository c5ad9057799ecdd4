import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Puts the page of benchmarks with all that it loads into a folder, whose path ends with a slash. */
export async function buildPage(folder) {
  await build({
    entryPoints: [here("page.ts"), here("worker.ts")],
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    // Of the library's ways to read files and start threads those that are Node's.
    external: ["node:*"],
    define: { UNROLLED_WASM_BASE: '"./"' },
    logLevel: "warning",
  });
  for (const file of ["index.html", "page.css"]) await copyFile(here(file), `${folder}${file}`);
  for (const name of ["kernels-simd.wasm", "kernels-relaxed.wasm"]) {
    await copyFile(here(`../../build/${name}`), `${folder}${name}`);
  }
}
