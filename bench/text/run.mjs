// Installs what the figures are compared with, bundles the benchmark and runs it: Node 20 does not read TypeScript.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL(".", import.meta.url));
const { dependencies } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

const isInstalled = ([name, version]) => {
  try {
    const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
    return createRequire(import.meta.url)(fileURLToPath(file)).version === version;
  } catch {
    return false;
  }
};
if (!Object.entries(dependencies).every(isInstalled)) {
  console.error("Installing the packages of bench/text …");
  // The versions are exact in package.json.
  const options = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status } = spawnSync("npm", ["install", "--prefix", folder, ...options], {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) console.error("Not all could be installed: what is missing is left out");
}

await build({
  // Here, not in the root's build/: packages are looked up from where the bundle lies.
  entryPoints: ["main", "memory-child"].map((name) => fileURLToPath(new URL(`${name}.ts`, import.meta.url))),
  outdir: fileURLToPath(new URL("build", import.meta.url)),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  logLevel: "warning",
});
await import(new URL("build/main.js", import.meta.url).href);
