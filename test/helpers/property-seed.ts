/**
 * Property tests try the same samples in every run, so that only a change of the code changes what they find.
 * `FUZZ_SEED=7 npm test` tries others.
 */
import fc from "fast-check";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    propertySeed: number;
  }
}

fc.configureGlobal({ seed: inject("propertySeed") });
