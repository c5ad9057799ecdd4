// Builds the page of benchmarks into build/bench/page, then runs a script that serves it: serve.ts or browsers.ts.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildPage } from "./build.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// What it says itself would be in the way of JSON.
spawnSync("npm", ["run", "--silent", "install:drivers"], {
  stdio: ["ignore", "ignore", "inherit"],
  shell: process.platform === "win32",
});
await buildPage(here("../../build/bench/page/"));

const [, , name] = process.argv;
const script = new URL(`../../build/bench/${name}.js`, import.meta.url);
await build({
  entryPoints: [here(`${name}.ts`)],
  outfile: fileURLToPath(script),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // Packages too, since those of test/browser are installed there. What they require at run time comes from Node.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  // The bundle lies elsewhere than the one module that asks where it is.
  define: { "import.meta.url": JSON.stringify(new URL("../../test/browser/find.ts", import.meta.url).href) },
  logLevel: "warning",
});
await import(script.href);
