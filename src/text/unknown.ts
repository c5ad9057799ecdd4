/** What the tokenizers that don't know every text share: `<unk>`, id 0, and the special tokens after it. */
import { ConfigError, FormatError } from "../errors.ts";
import { AddedTokens } from "./added-tokens.ts";

export const UNKNOWN = "<unk>";
export const UNKNOWN_ID = 0;
/** What `<unk>` is decoded to. */
export const REPLACEMENT = "\ufffd";

/** All special tokens by name, and a finder of those that a text can hold: `<unk>` is never read from a text. */
export function specialTokensWithUnknown(
  names: readonly string[],
): [specialTokens: ReadonlyMap<string, number>, added: AddedTokens] {
  const added = new AddedTokens(names.map((content, i) => ({ id: i + 1, content, special: true })));
  return [new Map([[UNKNOWN, UNKNOWN_ID], ...added.special]), added];
}

/** @throws ConfigError unless they are distinct, well-formed, not empty and not `<unk>`. */
export function checkSpecialTokens(names: readonly string[]): void {
  if (!areSpecialTokens(names))
    throw new ConfigError(`specialTokens: ${EXPECTED}, got ${JSON.stringify(names)}`);
}

/** The special tokens in a tokenizer's JSON; none where there is no such property. @throws FormatError */
export function readSpecialTokens(json: object, where: string): readonly string[] {
  const { specialTokens = [] } = json as { specialTokens?: unknown };
  if (areSpecialTokens(specialTokens)) return specialTokens;
  throw new FormatError(`${where}: specialTokens: ${EXPECTED}, got ${JSON.stringify(specialTokens)}`);
}

const EXPECTED = `expected distinct strings that are neither empty nor ${UNKNOWN}`;

function areSpecialTokens(names: unknown): names is readonly string[] {
  return (
    Array.isArray(names) &&
    names.every(
      (name) => typeof name === "string" && name !== "" && name !== UNKNOWN && name.isWellFormed(),
    ) &&
    new Set(names).size === names.length
  );
}
