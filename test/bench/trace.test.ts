import { expect, it } from "vitest";
import { readFunctions, readTrace } from "../../bench/wide/trace.ts";

const TRACE = `Begin revec function wasm-function#3
store seeds:
Revec: NewPackNode 293: PackNode Store(#1055, #1058)
Revec: DecideVectorize 1510: Save: 42, cost: 2
Finished revec function wasm-function#3
Begin revec function wasm-function#7
Revec: Run 1397: Empty seed
Finished revec function wasm-function#7
Begin revec function wasm-function#8
Revec: CanBePacked 829: Can't pack operations of different basic block
Revec: Run 1430: Build tree failed!
Revec: IsSideEffectFree 798: break side effect 155, 160
Revec: Run 1430: Build tree failed!
Revec: DecideVectorize 1510: Save: 1, cost: 3
Finished revec function wasm-function#8
Begin revec function wasm-function#3
Revec: Run 1397: Empty seed
`;

it("reads what was joined in each function, and why other pairs were not", () => {
  const functions = readTrace(TRACE);
  expect([...functions.keys()]).toEqual([3, 7, 8]);
  expect(functions.get(3)).toEqual({ saved: 42, reasons: new Set() });
  expect(functions.get(7)).toEqual({ saved: 0, reasons: new Set(["no two neighbouring stores"]) });
  const reasons = ["a branch between the two", "another memory access between the two"];
  expect(functions.get(8)).toEqual({ saved: 0, reasons: new Set(reasons) });
});

it("knows a module's functions in order", () => {
  const wat = "(module\n (func $assembly/spans/tanhSpan (param $0 i32)\n  nop\n )\n (func $start\n )\n)";
  expect(readFunctions(wat)).toEqual(["spans/tanhSpan", "start"]);
});
