import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, FileError, fetchModelFile } from "../../src/index.ts";

const FILE = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) & 255);

/** What the server does with each path; `closed` are the responses whose client went away. */
const paths: Record<string, (response: ServerResponse) => void> = {
  "/model": (response) => response.writeHead(200, { "content-length": FILE.length }).end(FILE),
  "/chunked": async (response) => {
    for (let at = 0; at < FILE.length; at += 30_000) {
      response.write(FILE.subarray(at, at + 30_000));
      await wait(5);
    }
    response.end();
  },
  "/endless": (response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(FILE));
    };
    response.on("drain", more);
    more();
  },
  "/stalls": (response) => {
    response.writeHead(200, { "content-length": FILE.length });
    response.write(FILE.subarray(0, 1000));
  },
  "/silent": () => {},
  "/empty": (response) => response.writeHead(204).end(),
  "/lies": (response) => {
    response.writeHead(200, { "content-length": FILE.length });
    response.write(FILE.subarray(0, 1000), () => response.destroy());
  },
};

let server: Server;
let base: string;
let open = 0;
beforeAll(async () => {
  server = createServer((request, response) => {
    open++;
    response.on("close", () => open--);
    const serve = paths[request.url!];
    if (serve) serve(response);
    else response.writeHead(404).end("<!doctype html>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** The server's side ends too. */
async function expectNothingOpen(): Promise<void> {
  for (let i = 0; i < 1000 && open > 0; i++) await wait(10);
  expect(open).toBe(0);
}

describe("fetchModelFile", () => {
  it.each(["/model", "/chunked"])("gives the bytes and tells how many have come: %s", async (path) => {
    const progress: [number, number | undefined][] = [];
    const onProgress = (received: number, total: number | undefined) => progress.push([received, total]);
    expect(await fetchModelFile(base + path, { onProgress })).toEqual(FILE);
    const total = path === "/model" ? FILE.length : undefined;
    expect(progress.at(-1)).toEqual([FILE.length, total]);
    expect(await fetchModelFile(new URL(base + path), { maximumBytes: FILE.length })).toEqual(FILE);
  });

  it.each(["/model", "/chunked", "/endless"])("takes no more than it may: %s", async (path) => {
    const fetching = fetchModelFile(base + path, { maximumBytes: FILE.length - 1 });
    await expect(fetching).rejects.toThrow(FileError);
    await expect(fetching).rejects.toThrow(`${base}${path}: expected at most 99999 bytes, got `);
    await expectNothingOpen();
  });

  it.each(["/stalls", "/silent", "/endless"])("waits no longer than it may: %s", async (path) => {
    const options = { timeout: 100, maximumBytes: Number.POSITIVE_INFINITY };
    const fetching = fetchModelFile(base + path, options);
    await expect(fetching).rejects.toThrow(FileError);
    await expect(fetching).rejects.toThrow(`${base}${path}: expected the whole file within 100 ms`);
    await expectNothingOpen();
  });

  it("takes its time without a limit, and refuses limits that are none", async () => {
    expect(await fetchModelFile(`${base}/chunked`, { timeout: Number.POSITIVE_INFINITY })).toEqual(FILE);
    for (const options of [{ timeout: 0 }, { timeout: Number.NaN }, { maximumBytes: Number.NaN }]) {
      await expect(fetchModelFile(`${base}/model`, options)).rejects.toThrow(ConfigError);
    }
  });

  it.each(["/stalls", "/silent"])("stops when it is told to: %s", async (path) => {
    const controller = new AbortController();
    const fetching = fetchModelFile(base + path, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(fetching).rejects.toMatchObject({ name: "AbortError" });
    await expectNothingOpen();
    await expect(fetchModelFile(`${base}/model`, { signal: controller.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  it("says what the server answered", async () => {
    const fetching = fetchModelFile(`${base}/nothing`);
    await expect(fetching).rejects.toThrow(FileError);
    await expect(fetching).rejects.toThrow(`${base}/nothing: expected a file, got HTTP status 404`);
  });

  it.each(["http://127.0.0.1:9/model", "no address"])("says that there is nothing: %s", async (url) => {
    const fetching = fetchModelFile(url);
    await expect(fetching).rejects.toThrow(FileError);
    await expect(fetching).rejects.toThrow(`${url}: it could not be fetched: `);
  });

  it("lets an error of the caller's own through", async () => {
    const own = new RangeError("of my own");
    const onProgress = () => {
      throw own;
    };
    await expect(fetchModelFile(`${base}/endless`, { onProgress })).rejects.toBe(own);
    await expectNothingOpen();
  });

  it("says that an answer has no file", async () => {
    const fetching = fetchModelFile(`${base}/empty`);
    await expect(fetching).rejects.toThrow(FileError);
    await expect(fetching).rejects.toThrow(`${base}/empty: expected a file, got HTTP status 204`);
  });

  it("does not take a part for the whole", async () => {
    await expect(fetchModelFile(`${base}/lies`)).rejects.toThrow(FileError);
  });
});
