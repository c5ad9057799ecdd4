// `npm run page`: builds the playground, serves it with the headers that let threads share memory, and opens it.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sirv from "sirv";

const USAGE = `Usage: npm run page -- [options]

  --port N   where to serve it; 0: any port that is free; default 8080
  --no-open  don't open it in the browser
  --help     this text`;

const { port, isOpened } = options();
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
  const isTaken = error.code === "EADDRINUSE";
  console.error(isTaken ? `Port ${port} is taken: npm run page -- --port ${port + 1}` : error.message);
  process.exit(1);
});
server.listen(port, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  console.log(`The playground is at ${url} (Ctrl-C ends it)`);
  if (isOpened) open(url);
});

/** Those of the command line; ends the process where there is nothing to serve. */
function options() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: "string", default: "8080" },
        open: { type: "boolean", default: true },
        help: { type: "boolean", default: false },
      },
      allowNegative: true,
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65535) {
      throw new Error(`--port must be an integer from 0 to 65535, got ${JSON.stringify(values.port)}`);
    }
    return { port, isOpened: values.open };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function open(url) {
  const [program, ...args] = { darwin: ["open"], win32: ["cmd", "/c", "start", ""] }[process.platform] ?? [
    "xdg-open",
  ];
  // Where there is no desktop, the line above says where to go.
  spawn(program, [...args, url], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
