/** A static server for tests. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";

export interface Server {
  /** Ends with a slash. */
  url: string;
  close(): Promise<void>;
}

export interface ServeOptions {
  /** Whether pages are cross-origin isolated, so that threads can share memory. Default false. */
  isolated?: boolean;
  /** More headers for every response. */
  headers?: Readonly<Record<string, string>>;
}

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves a folder on a free port of this machine. Files are read anew for every request. */
export async function serve(
  folder: string,
  { isolated = false, headers = {} }: ServeOptions = {},
): Promise<Server> {
  const every = Object.entries({ ...(isolated && ISOLATION), ...headers });
  const files = sirv(folder, { dev: true });
  const server = createServer((request, response) => {
    for (const [name, value] of every) response.setHeader(name, value);
    files(request, response, () => void response.writeHead(404).end("not found"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
