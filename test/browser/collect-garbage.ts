/**
 * Chromium grants a process some 125 memories at a time. A page that lacks one has its own garbage collected; a worker
 * that lacks one can't have the page's. So what earlier files left goes before the next file begins.
 */
import { beforeAll } from "vitest";

const { gc } = globalThis as { gc?: (options: { execution: "async" }) => Promise<void> };

beforeAll(() => gc?.({ execution: "async" }));
