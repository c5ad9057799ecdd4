import { expect, test } from "vitest";
import { reproducibleRun, WEIGHTS } from "../helpers/reproducible-run.ts";

test.each([1, 3])(
  "the reproducible build gives the same weights in every runtime: %i threads",
  async (threads) => {
    expect((await reproducibleRun(threads)).weights).toBe(WEIGHTS);
  },
);
