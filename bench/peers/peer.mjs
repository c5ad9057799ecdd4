/**
 * One peer in a process of its own: `node peer.mjs <module> <threads>`. The module exports its `name`, a `note` if
 * there is something to say of it, and, for each kind of workload that it can do, a function that makes the operands and
 * returns the work. Called with `true`, the work returns its result, unless that cannot be compared with others'; otherwise a matmul's or an element-wise result may stay where the library holds it.
 * First a line is written, `{ name, note, kinds, imported }`; then, for each line `{ key, workload, timing }` read, one with
 * `{ samples, check, first }`: milliseconds of a call, and, the first time, results to compare with those of others and
 * the milliseconds until they were there. `imported` is how long it took to load the library.
 */
import { createInterface } from "node:readline";

// Libraries that print to the console would break the protocol.
console.log = console.info = console.debug = console.error;
const write = (reply) => process.stdout.write(`${JSON.stringify(reply)}\n`);

const beforeImport = performance.now();
const { name, note, ...kinds } = await import(`./${process.argv[2]}.mjs`);
const imported = performance.now() - beforeImport;
write({ name, note, kinds: Object.keys(kinds), imported });

let current;
for await (const line of createInterface({ input: process.stdin })) {
  const { key, workload, timing } = JSON.parse(line);
  try {
    let check;
    let first;
    if (current?.key !== key) {
      current = undefined;
      const start = performance.now();
      current = { key, run: await kinds[workload.kind](workload) };
      const result = await current.run(true);
      first = performance.now() - start;
      check = result && values(result);
      // The second loss shows that gradients and Adam agree too.
      if (workload.kind === "train") check.push(...values(await current.run(true)));
      while (performance.now() - start < timing.warmUp) await current.run();
    }
    write({ samples: await measure(current.run, timing), check, first });
  } catch (error) {
    write({ error: error instanceof Error ? error.message : String(error) });
  }
}

/** All of a short result, every 997th number of a long one. */
function values(result) {
  const flat = Array.from(result);
  return flat.length <= 1000 ? flat : flat.filter((_, i) => i % 997 === 0);
}

/** Milliseconds of a call, one number a sample; a sample lasts `sample` ms at least, all together `total`. */
async function measure(run, { sample, total }) {
  const samples = [];
  let calls = 1;
  let spent = 0;
  while (samples.length === 0 || spent < total) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) {
      const result = run();
      if (result instanceof Promise) await result;
    }
    const elapsed = performance.now() - start;
    if (elapsed < sample) {
      calls = Math.max(calls + 1, Math.ceil((calls * sample * 1.2) / Math.max(elapsed, 1e-3)));
      continue;
    }
    samples.push(elapsed / calls);
    spent += elapsed;
  }
  return samples;
}
