import { constants } from "node:buffer";
import { describe, expect, it } from "vitest";
import { textOf } from "../../src/cli/setup.ts";
import { FormatError } from "../../src/errors.ts";

describe("textOf", () => {
  it("tells bytes that are not UTF-8 from bytes that are too many", () => {
    const bytes = new Uint8Array(constants.MAX_STRING_LENGTH + 1);
    expect(() => textOf(bytes, "giant.txt")).toThrow(FormatError);
    expect(() => textOf(bytes, "giant.txt")).toThrow(/^giant\.txt is too long: [^\n]+ [\d,]+ bytes$/);
    expect(() => textOf(Uint8Array.of(97, 0xff), "a.txt")).toThrow(/^a\.txt is not UTF-8 text$/);
  });
});
