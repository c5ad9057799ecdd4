/** WebKitGTK through its WebDriver, as the W3C's protocol has it: a handful of HTTP requests. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { Browser, Page } from "./browsers.ts";

/** `path` is the driver's; it and the browser run on a display that xvfb-run makes. */
export async function launchWebKit(path: string, timeout: number): Promise<Browser> {
  const port = await findPort();
  // A group of its own, so that the display and the browser end with the driver.
  const driver = spawn("xvfb-run", ["-a", path, `--port=${port}`], { detached: true, stdio: "ignore" });
  driver.unref();
  const stop = (): void => {
    process.off("exit", stop);
    try {
      process.kill(-driver.pid!, "SIGTERM");
    } catch {
      // It has ended.
    }
  };
  process.on("exit", stop);
  const server = `http://127.0.0.1:${port}`;
  try {
    await waitFor(`${server}/status`);
    const capabilities = { alwaysMatch: { pageLoadStrategy: "normal", timeouts: { script: timeout } } };
    const created = await request(`${server}/session`, "POST", { capabilities });
    const { sessionId, capabilities: got } = created as {
      sessionId: string;
      capabilities: { browserVersion: string };
    };
    const session = `${server}/session/${sessionId}`;
    return {
      name: "webkit",
      version: `WebKitGTK/${got.browserVersion}`,
      async open(url) {
        await request(`${session}/url`, "POST", { url });
        return createPage(session);
      },
      async close() {
        try {
          await request(session, "DELETE");
        } finally {
          stop();
        }
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

function createPage(session: string): Page {
  return {
    async evaluate(run, ...args) {
      const script =
        `const [args, done] = arguments; Promise.resolve().then(() => (${run})(...args))` +
        '.then((value) => done({ value }), (error) => done({ error: error + "\\n" + error?.stack }));';
      const result = await request(`${session}/execute/async`, "POST", { script, args: [args] });
      const { value, error } = result as { value: never; error?: string };
      if (error !== undefined) throw new Error(error);
      return value;
    },
    async screenshot() {
      return Buffer.from((await request(`${session}/screenshot`, "GET")) as string, "base64");
    },
    async close() {
      await request(`${session}/url`, "POST", { url: "about:blank" });
    },
  };
}

async function request(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = (await response.json()) as { value: { error?: string; message?: string } };
  if (!response.ok) throw new Error(`WebDriver: ${value.error}: ${value.message}`);
  return value;
}

async function waitFor(url: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await fetch(url);
      return;
    } catch (cause) {
      if (attempt === 1200) throw new Error("WebKit's driver did not answer within two minutes", { cause });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
