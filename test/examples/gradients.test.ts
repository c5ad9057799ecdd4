import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DOMParser } from "@xmldom/xmldom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CellResult } from "../../examples/gradients/cells.ts";
import type { ClippingResult } from "../../examples/gradients/clipping.ts";
import type { LinearResult } from "../../examples/gradients/linear.ts";
import type { RadiusResult } from "../../examples/gradients/radius.ts";

interface Report {
  linear: LinearResult[];
  radius: RadiusResult[];
  clipping: ClippingResult[];
  cells: CellResult[];
}

let directory: string;
let report: Report;

const run = async (...args: string[]): Promise<string> => {
  const command = ["examples/run.mjs", "gradients", "--out", directory, ...args];
  return (await promisify(execFile)(process.execPath, command, { maxBuffer: 1 << 24 })).stdout;
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "unrolled-gradients-"));
  report = JSON.parse(await run("--steps", "2", "--json"));
});

afterAll(() => rmSync(directory, { recursive: true }));

describe("example:gradients", () => {
  it("finds the textbook's numbers", () => {
    for (const { weight, gradient } of report.linear) {
      expect(gradient).toHaveLength(101);
      for (const [distance, norm] of gradient.entries()) expect(norm / weight ** distance).toBeCloseTo(1, 4);
    }
    expect(report.linear.map(({ weight }) => weight)).toEqual([0.9, 1.1]);
    expect(report.linear[0].gradient[100].toExponential(1)).toBe("2.7e-5");
    expect(Math.round(report.linear[1].gradient[100])).toBe(13_781);
  });

  it("finds that gradients vanish below a spectral radius of 1, and explode above", () => {
    const share = ({ gradient }: RadiusResult): number => gradient[100] / gradient[0];
    expect(report.radius.map(({ radius }) => radius)).toEqual([0.5, 0.75, 0.9, 1, 1.25, 1.5]);
    for (const [i, result] of report.radius.entries()) {
      expect(result.measured).toBeCloseTo(result.radius, 5);
      if (i > 0) expect(share(result)).toBeGreaterThan(share(report.radius[i - 1]));
      if (result.radius < 1) expect(share(result)).toBeLessThan(1e-3);
      if (result.radius > 1) expect(share(result)).toBeGreaterThan(10);
    }
  });

  it("finds that clipping keeps the updates within its limit, and training alive", () => {
    const [free, clipped] = report.clipping;
    expect(free.clip).toBeNull();
    expect(free.stopped).toMatch(/^the (loss|gradient norm) of step \d+ is/);
    expect(Math.max(...free.updateNorms)).toBeGreaterThan(1000);
    expect(clipped.stopped).toBeUndefined();
    expect(clipped.updateNorms).toHaveLength(60);
    expect(Math.max(...clipped.updateNorms)).toBeLessThanOrEqual(0.05 * 1.001);
    expect(Math.max(...clipped.unclippedNorms)).toBeGreaterThan(1);
  });

  it("finds that gated cells keep what an Elman network loses", () => {
    const share = (key: "plain" | "before", { [key]: { hiddenGradient } }: CellResult): number =>
      hiddenGradient[200] / hiddenGradient[0];
    const [rnn, lstm, gru] = report.cells;
    expect(report.cells.map(({ cell }) => cell)).toEqual(["rnn", "lstm", "gru"]);
    expect(share("before", rnn)).toBeLessThan(1e-20);
    for (const cell of [lstm, gru]) {
      expect(share("before", cell)).toBeGreaterThan(1e-5);
      expect(share("plain", cell)).toBeLessThan(1e-20);
    }
  });

  it("gives the same figures again, as plots and text too", async () => {
    const text = await run("--steps", "2");
    expect(JSON.parse(readFileSync(join(directory, "gradients.json"), "utf8"))).toEqual(report);
    expect(text).not.toContain("\x1b");
    expect(text).toContain("\n0.9^100 = 2.7e-5   1.1^100 = 13,781\n");
    for (const line of text.split("\n").filter((line) => /┤|──/.test(line))) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
    const plots = readdirSync(directory).filter((name) => name.endsWith(".svg"));
    expect(plots.sort()).toEqual(
      ["after", "before", "clipping", "linear", "radius"].map((name) => `gradients-${name}.svg`),
    );
    for (const name of plots) {
      expect(text).toContain(`\nplot: ${join(directory, name)}\n`);
      const svg = new DOMParser().parseFromString(
        readFileSync(join(directory, name), "utf8"),
        "image/svg+xml",
      );
      expect(svg.documentElement?.tagName).toBe("svg");
    }
  });

  it("refuses what it doesn't know", async () => {
    await expect(run("--steps", "0")).rejects.toMatchObject({ code: 2, stdout: "" });
    await expect(run("--sing")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Usage: "),
    });
  });
});
