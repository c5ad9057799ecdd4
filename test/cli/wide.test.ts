import { afterAll, beforeAll, expect, it } from "vitest";
import { HAS_WIDE } from "../helpers/engines.ts";
import { run, SMALL, workDirectory } from "./run.ts";

let directory: string;
let remove: () => void;
beforeAll(() => {
  ({ directory, remove } = workDirectory());
});
afterAll(() => remove());

const train = (...args: string[]) =>
  run(directory, "train", "text.txt", ...SMALL, "--steps", "3", "--json", ...args);

it("--wide trains to the same losses, and says so where it cannot be wide", async () => {
  const wide = await train("--wide", "--out", "wide.safetensors");
  const plain = await train("--out", "plain.safetensors");
  const note = HAS_WIDE
    ? /^$/
    : /^--wide: using ordinary kernels, since (it needs Node 24 or newer, this is Node \d+|this machine or runtime)/;
  expect(wide.stderr).toMatch(note);
  expect([wide.code, plain.code]).toEqual([0, 0]);
  const losses = ({ stdout }: { stdout: string }) => stdout.match(/"loss":[\d.]+/g);
  expect(losses(wide)?.length).toBeGreaterThan(2);
  expect(losses(wide)).toEqual(losses(plain));
});

it("refuses --wide with reproducible numerics", async () => {
  const { code, stderr } = await train("--wide", "--numerics", "reproducible");
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: wide kernels use fused multiply-adds: they need numerics "fast"/);
});
