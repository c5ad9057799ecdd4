import { Option } from "commander";
import { expect, it } from "vitest";
import { withFlags } from "../../src/cli/flags.ts";

const options = ["--batch-size <rows>", "--validation <fraction>", "--steps <number>"].map(
  (flags) => new Option(flags),
);

it.each([
  ["(batchSize 4 × 2): lower batchSize.", "(--batch-size 4 × 2): lower --batch-size."],
  ["or nothing (validationFraction 0)", "or nothing (--validation 0)"],
  ["steps and hiddenSize are no such words", "steps and hiddenSize are no such words"],
  ["steps: one of these", "--steps: one of these"],
  ["got it for gru-after", "got it for gru"],
  ["cannot read texts/batchSize, batchSize.txt", "cannot read texts/batchSize, batchSize.txt"],
])("%s", (message, expected) => {
  expect(withFlags(message, options)).toBe(expected);
});
