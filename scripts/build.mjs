// npm run build: the package, from src/ and the compiled kernels, into build/.
//   index.js, plot.js, generate.js, cli.js   modules for Node and bundlers, with what they share in chunks
//   unrolled.min.js, generate.min.js         one file each for pages, which need no bundler and no other file
//   trainer-worker.js                        what createTrainer() of index.js runs in a worker: it has to lie beside
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import zopfli from "@gfx/zopfli";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);
// Raw deflate: a twentieth smaller than zlib makes it.
const compressed = async (name) => {
  const binary = readFileSync(new URL(`build/kernels-${name}.wasm`, root));
  const bytes = await zopfli.deflateAsync(binary, { numiterations: 15 });
  return JSON.stringify(Buffer.from(bytes).toString("base64"));
};

const options = {
  absWorkingDir: fileURLToPath(root),
  outdir: "build",
  bundle: true,
  format: "esm",
  // Puts the names of files together, so that bundlers find them.
  minifySyntax: true,
  define: {
    UNROLLED_WASM_BASE: '"./"',
    UNROLLED_SIMD: await compressed("simd"),
    UNROLLED_INFER: await compressed("infer"),
    UNROLLED_TRAINER_WORKER: '"./trainer-worker.js"',
  },
  sourcemap: true,
  logLevel: "warning",
};

// Chunks are named by their content: old ones would stay, and be published.
for (const name of readdirSync(new URL("build/", root))) {
  if (name.startsWith("chunk-")) rmSync(new URL(`build/${name}`, root));
}
await build({
  ...options,
  entryPoints: {
    index: "src/index.ts",
    generate: "src/generate/index.ts",
    plot: "src/plot/index.ts",
    cli: "src/cli/main.ts",
  },
  splitting: true,
  platform: "node",
  target: "node20",
  packages: "external",
});
const forPages = { ...options, platform: "browser", target: "es2022", minify: true, sourcemap: false };
await build({
  ...forPages,
  entryPoints: { "generate.min": "src/generate/index.ts", "trainer-worker": "src/trainer/worker.ts" },
});
await build({
  ...forPages,
  entryPoints: { "unrolled.min": "src/bundle.ts" },
  // Itself.
  define: { ...options.define, UNROLLED_TRAINER_WORKER: '""' },
});
