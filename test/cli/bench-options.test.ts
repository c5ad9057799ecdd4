import { expect, test } from "vitest";
import { parseOptions } from "../../bench/options.ts";

test("options of npm run bench", () => {
  expect(parseOptions(["--filter", "W5", "--json"])).toEqual({ filter: "W5", json: true, wide: false });
  expect(parseOptions([])).toEqual({ filter: "", json: false, wide: false });
  expect(parseOptions(["--help"])).toBe("help");
  expect(() => parseOptions(["--filtre", "W5"])).toThrow(/--filtre/);
  expect(() => parseOptions(["--filter"])).toThrow(/--filter/);
});
