import { ConfigError } from "../errors.ts";

/** The largest size that any dimension of a layer may have: 2²⁴, far beyond what 4 GiB hold. */
const LARGEST = 1 << 24;

/** @throws ConfigError unless `value` is a positive integer of a size that can exist. */
export function checkSize(name: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > LARGEST) {
    throw new ConfigError(`${name} must be an integer from 1 to ${LARGEST}, got ${value}`);
  }
}
