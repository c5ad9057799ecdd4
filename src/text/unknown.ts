/** What the tokenizers that don't know every text share: `<unk>`, id 0, and the special tokens after it. */
import { ConfigError, FormatError } from "../errors.ts";
import { show } from "../formats/json-values.ts";
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

/** @throws ConfigError unless they are distinct, well-formed and none of the reserved ones. */
export function checkSpecialTokens(names: readonly string[], reserved: readonly string[] = RESERVED): void {
  if (!areSpecialTokens(names, reserved)) throw new ConfigError(complaint(names, reserved));
}

/** The special tokens in a tokenizer's JSON; none where there is no such property. @throws FormatError */
export function readSpecialTokens(json: object, where: string): readonly string[] {
  const { specialTokens = [] } = json as { specialTokens?: unknown };
  if (areSpecialTokens(specialTokens, RESERVED)) return specialTokens;
  throw new FormatError(`${where}: ${complaint(specialTokens, RESERVED)}`);
}

const RESERVED = ["", UNKNOWN];

function areSpecialTokens(names: unknown, reserved: readonly string[]): names is readonly string[] {
  return (
    Array.isArray(names) &&
    names.every((name) => typeof name === "string" && name.isWellFormed() && !reserved.includes(name)) &&
    new Set(names).size === names.length
  );
}

function complaint(names: unknown, reserved: readonly string[]): string {
  return `specialTokens: expected distinct strings, well-formed and none of ${show(reserved)}, got ${show(names)}`;
}
