// `npm run page`: builds the playground, serves it with the headers that let threads share memory, and opens it.
// node src/page/serve.mjs [--port 8080] [--no-open]
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sirv from "sirv";

const { values } = parseArgs({
  options: { port: { type: "string", default: "8080" }, open: { type: "boolean", default: true } },
  allowNegative: true,
});
const { POLICY } = await import("./build.mjs");

const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Content-Security-Policy": `${POLICY}; frame-ancestors 'none'`,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};
const files = sirv(fileURLToPath(new URL("../../build/page", import.meta.url)), { dev: true });
const server = createServer((request, response) => {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  files(request, response, () => response.writeHead(404).end("not found"));
});
server.on("error", (error) => {
  if (error.code !== "EADDRINUSE") throw error;
  console.error(`Port ${values.port} is taken: npm run page -- --port ${Number(values.port) + 1}`);
  process.exit(1);
});
server.listen(Number(values.port), "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  console.log(`The playground is at ${url} (Ctrl-C ends it)`);
  if (values.open) open(url);
});

function open(url) {
  const [program, ...args] = { darwin: ["open"], win32: ["cmd", "/c", "start", ""] }[process.platform] ?? [
    "xdg-open",
  ];
  // Where there is no desktop, the line above says where to go.
  spawn(program, [...args, url], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
