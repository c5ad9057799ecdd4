/** Where the browsers are on this machine. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export type BrowserName = "chromium" | "firefox" | "webkit";
export const BROWSERS: readonly BrowserName[] = ["chromium", "firefox", "webkit"];

/** What to run, in the order of preference: a name on the PATH or a whole path. */
const PROGRAMS: Record<BrowserName, readonly string[]> = {
  chromium: [
    "google-chrome-stable",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
  ],
  firefox: [
    "firefox",
    "firefox-esr",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
  ],
  webkit: ["WebKitWebDriver"],
};
const VARIABLES: Partial<Record<BrowserName, string>> = { chromium: "CHROME_PATH", firefox: "FIREFOX_PATH" };
const MISSING: Record<BrowserName, string> = {
  chromium: "no Chrome or Chromium found: install one, or set CHROME_PATH",
  firefox: "no Firefox found: install one, or set FIREFOX_PATH",
  webkit: "no WebKit found: install Debian's webkit2gtk-driver and xvfb",
};

export type Found = { path: string } | { missing: string };

/**
 * The browser's program (WebKit's: its driver), or a sentence that says why there is none. On Linux, where there is no
 * Chromium, it is the one that an npm package ships, which is installed for it.
 */
export async function findBrowser(name: BrowserName): Promise<Found> {
  const variable = VARIABLES[name];
  const chosen = variable && process.env[variable];
  if (chosen) return existsSync(chosen) ? { path: chosen } : { missing: `${variable}: no file ${chosen}` };
  let path = PROGRAMS[name].map(findProgram).find((found) => found !== undefined);
  if (name === "webkit" && !findProgram("xvfb-run")) path = undefined;
  if (name === "chromium") path ??= await installChromium();
  return path ? { path } : { missing: MISSING[name] };
}

async function installChromium(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const folder = new URL("chromium/", import.meta.url);
  if (!existsSync(new URL("node_modules/@sparticuz/chromium", folder))) {
    const options = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
    spawnSync("npm", ["install", "--prefix", fileURLToPath(folder), ...options], { stdio: "ignore" });
  }
  try {
    return (await import(new URL("path.mjs", folder).href)).path;
  } catch {
    return undefined;
  }
}

function findProgram(name: string): string | undefined {
  const isPath = name.includes("/") || name.includes("\\");
  const candidates = isPath
    ? [name]
    : (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
