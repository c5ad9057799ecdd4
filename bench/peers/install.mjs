import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** Installs the packages of package.json, whose versions are exact, unless they are there. */
export function installPeers() {
  const { dependencies } = readJson("package.json");
  const isInstalled = ([name, version]) => {
    try {
      return readJson(`node_modules/${name}/package.json`).version === version;
    } catch {
      return false;
    }
  };
  if (Object.entries(dependencies).every(isInstalled)) return;
  console.error("Installing the packages of bench/peers …");
  // onnxruntime-node's script fetches code for graphics cards, which nothing here uses.
  const options = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status } = spawnSync("npm", ["install", "--prefix", folder, ...options], {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) console.error("Not all could be installed: what is missing is left out");
}

function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
}
