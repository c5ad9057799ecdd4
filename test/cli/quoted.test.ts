import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { quoted } from "../../src/cli/quoted.ts";

it.each(["model.safetensors", "../my-runs/a_1.safetensors"])("leaves %s as it is", (path) => {
  expect(quoted(path)).toBe(path);
});

it
  .skipIf(process.platform === "win32")
  .each(["my dir/a.safetensors", "it's", "''", '$HOME "`\\!*?', "~/a", "a\nb", "größe", "a;b&c|d"])(
  "is read back by a shell: %j",
  (path) => {
    expect(execFileSync("sh", ["-c", `printf %s ${quoted(path)}`], { encoding: "utf8" })).toBe(path);
  },
);
