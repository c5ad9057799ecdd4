/** What V8's re-vectorizer says of each function: the output of `--trace-wasm-revectorize`. */

/** Of one function: how many operations were saved by joining pairs; and why other pairs were not joined. */
export interface Joined {
  saved: number;
  reasons: Set<string>;
}

/** The re-vectorizer's words, in ours. Others stand as they are. */
const REASONS: [RegExp, string][] = [
  [/Empty seed/, "no two neighbouring stores"],
  [/different basic block/, "a branch between the two"],
  [/side effect/, "another memory access between the two"],
  [/tree failed/, "stores of the two halves that are made in different ways"],
];

/** By the function's number in the module. Of one that is compiled several times, where most was joined. */
export function readTrace(trace: string): Map<number, Joined> {
  const functions = new Map<number, Joined>();
  let current: Joined = { saved: 0, reasons: new Set() };
  let number = -1;
  let reason = "";
  for (const line of trace.split("\n")) {
    const begin = /^Begin revec function .*#(\d+)/.exec(line);
    if (begin) {
      current = { saved: 0, reasons: new Set() };
      number = Number(begin[1]);
      reason = "";
    }
    const said = /^Revec: \w+ \d+: (.*)/.exec(line)?.[1] ?? "";
    const saved = /Save: (\d+), cost: (\d+)/.exec(said);
    if (saved && Number(saved[1]) > Number(saved[2])) current.saved += Number(saved[1]);
    if (number >= 0 && current.saved >= (functions.get(number)?.saved ?? 0)) functions.set(number, current);
    const known = REASONS.find(([pattern]) => pattern.test(said));
    if (known && reason === "") reason = known[1];
    if (/Empty seed|tree failed/.test(said)) current.reasons.add(reason);
    if (/tree failed/.test(said)) reason = "";
  }
  return functions;
}

/** The functions of a module in order: the text names them, the binary does not. */
export function readFunctions(wat: string): string[] {
  return Array.from(wat.matchAll(/^ \(func \$(\S+)/gm), ([, name]) => name.replace(/^assembly\//, ""));
}
