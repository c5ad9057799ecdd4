/** What the tokenizers that don't know every text share: `<unk>`, id 0, and the special tokens after it. */
import { ConfigError, FormatError } from "../errors.ts";
import { show } from "../formats/json-values.ts";
import { AddedTokens, LONGEST } from "./added-tokens.ts";

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
  const problem = problemOf(names, reserved);
  if (problem) throw new ConfigError(problem);
}

/** The special tokens in a tokenizer's JSON; none where there is no such property. @throws FormatError */
export function readSpecialTokens(json: object, where: string): readonly string[] {
  const { specialTokens = [] } = json as { specialTokens?: unknown };
  const problem = problemOf(specialTokens, RESERVED);
  if (problem) throw new FormatError(`${where}: ${problem}`);
  return specialTokens as readonly string[];
}

const RESERVED = ["", UNKNOWN];

function problemOf(names: unknown, reserved: readonly string[]): string | undefined {
  const expected = `specialTokens: expected distinct strings, well-formed, of at most ${LONGEST} characters and none of ${show(reserved)}`;
  if (!Array.isArray(names)) return `${expected}, got ${show(names)}`;
  const seen = new Set<unknown>(reserved);
  for (const [i, name] of names.entries()) {
    if (typeof name !== "string" || !name.isWellFormed() || name.length > LONGEST || seen.has(name)) {
      return `${expected}; number ${i + 1} is ${show(name)}`;
    }
    seen.add(name);
  }
  return undefined;
}
