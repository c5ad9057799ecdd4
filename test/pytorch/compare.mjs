// npm run test:pytorch: models go to PyTorch and come from it, through the files and snippets that users have
// (examples/pytorch), and both sides' logits agree within 1e-5 of the largest. Without torch it does nothing. PYTHON
// names the interpreter: python3.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine, loadLanguageModel } from "../../build/index.js";

const LIMIT = 1e-5;
const PYTHON = process.env.PYTHON ?? "python3";
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = (...args) =>
  JSON.parse(execFileSync(PYTHON, ["-W", "ignore", file("check.py"), ...args], { encoding: "utf8" }));
const unrolled = (...args) => execFileSync(process.execPath, [file("../../build/cli.js"), ...args]);

if (spawnSync(PYTHON, ["-c", "import torch, numpy"]).status !== 0) {
  console.log(`skipped: ${PYTHON} has no torch or no numpy`);
  process.exit();
}
const directory = mkdtempSync(join(tmpdir(), "unrolled-pytorch-"));
const inside = (name) => join(directory, name);
let failures = 0;
try {
  await toPyTorch();
  await fromPyTorch();
} finally {
  rmSync(directory, { recursive: true });
}
if (failures > 0) process.exitCode = 1;

async function toPyTorch() {
  writeFileSync(inside("text.txt"), "the whale, the ship, the sea; call me Ishmael. ".repeat(200));
  const tied = ["--tie-weights", "--embedding-size", "24"];
  const cases = [
    ["rnn"],
    ["gru", "--layers", "2"],
    ["lstm"],
    ["lstm", "--layers", "3", ...tied],
    ["lstm", "--layers", "2", "--proj-size", "8"],
  ];
  for (const [cell, ...options] of cases) {
    const sizes = ["--hidden-size", "24", "--embedding-size", "12", ...options];
    const model = inside("model.safetensors");
    unrolled("train", inside("text.txt"), "--cell", cell, ...sizes, "--steps", "20", "--out", model);
    const [steps, batch] = [17, 3];
    const { vocabSize } = JSON.parse(metadataOf(model).config);
    const ids = Array.from({ length: steps }, (_, t) =>
      Array.from({ length: batch }, (_, b) => (7 * t + 11 * b + t * b) % vocabSize),
    );
    writeFileSync(inside("ids.json"), JSON.stringify(ids));
    writeFileSync(inside("logits"), await logitsOf(model, ids));
    report(
      `to PyTorch: ${[cell, ...options].join(" ")}`,
      python("load", model, inside("ids.json"), inside("logits")),
    );
    // Halves are rounded: the same numbers must come out of a model that was made of them.
    for (const dtype of ["f32", "f16", "bf16"]) {
      const [weights, again] = [inside("weights.safetensors"), inside("again.safetensors")];
      unrolled("export", model, "--dtype", dtype, "--out", weights);
      unrolled("import", weights, "--tokenizer", model, "--out", again);
      writeFileSync(inside("logits"), await logitsOf(again, ids));
      const error = python("load", weights, inside("ids.json"), inside("logits"));
      report(`to PyTorch: ${[cell, ...options].join(" ")}, export --dtype ${dtype}`, error);
    }
  }
}

async function fromPyTorch() {
  const { cases, ids, vocabSize } = python("save", directory);
  // As many characters as the modules have vectors; one of them is <unk>.
  const letters = Array.from({ length: vocabSize - 1 }, (_, i) => String.fromCharCode(97 + i)).join("");
  writeFileSync(inside("letters.txt"), letters.repeat(20));
  const tokenizer = inside("tokenizer.json");
  unrolled("tokenizer", "train", inside("letters.txt"), "--type", "char", "--out", tokenizer);
  for (const name of cases) {
    const model = inside("model.safetensors");
    unrolled("import", inside(`${name}.safetensors`), "--tokenizer", tokenizer, "--out", model);
    const got = await logitsOf(model, ids);
    const expected = new Float32Array(new Uint8Array(readFileSync(inside(`${name}.logits`))).buffer);
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const error = got.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i])), 0) / largest;
    report(`from PyTorch: ${name}`, got.length === expected.length ? error : Number.NaN);
  }
}

async function logitsOf(path, ids) {
  const engine = await createEngine();
  const { model } = loadLanguageModel(engine, new Uint8Array(readFileSync(path)));
  model.eval();
  const logits = engine.infer(() => {
    const input = engine.ids(Int32Array.from(ids.flat()), [ids.length, ids[0].length]);
    return model.forward(input).logits.toArray();
  });
  engine.close();
  return logits;
}

function metadataOf(path) {
  const bytes = readFileSync(path);
  return JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUint64LE(0)))).__metadata__;
}

function report(what, error) {
  const ok = error <= LIMIT;
  if (!ok) failures++;
  console.log(`${ok ? "ok  " : "FAIL"} ${what}: relative error ${error.toExponential(1)}`);
}
