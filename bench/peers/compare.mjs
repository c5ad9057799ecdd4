/** Measures every workload in every peer, taking turns, and compares their results with Unrolled's. */
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { setTimeout } from "node:timers/promises";
import { matches, unknownPart } from "../filter.mjs";
import { PeerProcess } from "./process.mjs";

const ROUNDS = 3;
/** Milliseconds. With a shorter warm-up a library of much JavaScript, a call an operation, is not at full speed yet. */
const TIMING = { warmUp: 1500, sample: 50, total: 300 };
const ONCE = { warmUp: 0, sample: 0, total: 0 };
/** A request's time limit, in milliseconds: what is slower is not waited for. */
const LIMIT = 60_000;
/** Milliseconds between two libraries where there are threads: those of OpenMP look for work for 200 after the last. */
const PAUSE = 300;
/** A call that takes longer is measured once: no slow moment of the machine explains it. */
const SLOW = 2000;

/** Ours first. PyTorch may be in two interpreters: the first one found, and the system's. */
const PEERS = [
  ["node", "peer.mjs", "unrolled"],
  ["node", "peer.mjs", "unrolled-wide"],
  ["python3", "pytorch_peer.py"],
  ["/usr/bin/python3", "pytorch_peer.py"],
  ["node", "peer.mjs", "jax"],
  ["node", "peer.mjs", "tfjs-wasm"],
  ["node", "peer.mjs", "tfjs-cpu"],
  ["node", "peer.mjs", "onnxruntime-web"],
  ["node", "peer.mjs", "onnxruntime-node"],
  ["node", "peer.mjs", "brain"],
];

/** Those that have threads in browsers at most. */
const SINGLE_THREADED = {
  jax: "jax-js",
  "tfjs-wasm": "TensorFlow.js (wasm)",
  "tfjs-cpu": "TensorFlow.js (cpu)",
  brain: "brain.js",
};

const WORKLOADS = Object.entries(
  JSON.parse(readFileSync(new URL("../workloads.json", import.meta.url), "utf8")),
);

/**
 * The workloads whose name contains `filter`, or one of its parts between commas.
 * @throws RangeError if a part is in no name.
 */
export function choose(filter) {
  const unknown = unknownPart(
    filter,
    WORKLOADS.map(([name]) => name),
  );
  if (unknown !== undefined) throw new RangeError(`No workload's name contains ${JSON.stringify(unknown)}`);
  return WORKLOADS.filter(([name]) => matches(filter, name));
}

/** Measures what {@link choose} gave on so many threads. */
export async function compare(chosen, threads) {
  const report = {
    machine: `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cpus().length} cores, ${process.platform} ${process.arch}`,
    runtime: `Node ${process.versions.node} (V8 ${process.versions.v8})`,
    date: new Date().toISOString().slice(0, 10),
    load: loadavg()[0],
    threads,
    peers: [],
    rows: [],
    notes: [],
    skipped: [],
    wrong: [],
  };
  const peers = await startPeers(threads, report.skipped);
  report.peers = peers.map(({ name }) => name);
  report.notes = peers.filter(({ note }) => note).map(({ name, note }) => `${name}: ${note}`);
  try {
    for (const [key, workload] of chosen) {
      console.error(`${key}: ${workload.title} …`);
      const able = peers.filter(({ kinds }) => kinds.includes(workload.kind));
      report.rows.push(await measureWorkload(key, workload, able, report));
      if (key.startsWith("W1/")) report.rows.push(await measureStart(workload, able, report));
    }
  } finally {
    for (const peer of peers) peer.stop();
  }
  return report;
}

async function startPeers(threads, skipped) {
  const peers = [];
  for (const [command, ...args] of PEERS) {
    if (threads > 1 && args[1] in SINGLE_THREADED) {
      skipped.push(`${SINGLE_THREADED[args[1]]}: it has no threads in Node`);
      continue;
    }
    const peer = new PeerProcess(command === "node" ? process.execPath : command, args, threads);
    try {
      await peer.start();
      if (peers.some(({ name }) => name === peer.name)) peer.stop();
      else peers.push(peer);
    } catch (error) {
      if (args.includes("unrolled")) throw error;
      skipped.push(`${[command, ...args].join(" ")}: ${error.message}`);
    }
  }
  return peers;
}

/** Median milliseconds of a call by peer; one that fails is named in `skipped`. */
async function measureWorkload(key, workload, peers, { skipped, wrong }) {
  const samples = new Map(peers.map(({ name }) => [name, []]));
  let expected;
  for (let round = 0; round < ROUNDS; round++) {
    for (const peer of peers) {
      const own = samples.get(peer.name);
      if (own === undefined || own[0] > SLOW) continue;
      if (peer.threads > 1) await setTimeout(PAUSE);
      try {
        const reply = await peer.ask({ key, workload, timing: TIMING }, LIMIT);
        own.push(...reply.samples);
        expected ??= reply.check;
        if (reply.check && !agree(reply.check, expected))
          wrong.push(`${key}: ${peer.name} has other results`);
      } catch (error) {
        samples.delete(peer.name);
        skipped.push(`${key} in ${peer.name}: ${error.message}`);
      }
    }
  }
  const times = Object.fromEntries([...samples].map(([name, own]) => [name, median(own)]));
  return { ...row(key, workload.title, times, peers), ...operations(workload) };
}

/** What a matmul's and an elementwise function's times are to be divided by. */
function operations({ kind, m, k, n, count }) {
  if (kind === "gemm") return { flops: 2 * m * k * n };
  return kind === "unary" ? { elements: count } : {};
}

/** From loading the library to the end of the first training step, in fresh processes. */
async function measureStart(workload, peers, { skipped }) {
  const times = {};
  for (const { name, command, args, threads } of peers) {
    const samples = [];
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const peer = new PeerProcess(command, args, threads);
        try {
          const { first } = await peer.ask({ key: "start", workload, timing: ONCE }, LIMIT);
          samples.push(peer.imported + first);
        } finally {
          peer.stop();
        }
      }
      times[name] = median(samples);
    } catch (error) {
      skipped.push(`the start of ${name}: ${error.message}`);
    }
  }
  return row("start", "from import to the end of W1's first step", times, peers);
}

/** `times` by peer, and how many times as long as ours each is. */
function row(key, title, times, [ours]) {
  const ratios = Object.entries(times).map(([name, time]) => [name, time / times[ours.name]]);
  return { key, title, unit: "ms", times, ratios: Object.fromEntries(ratios) };
}

/** Sums of a few hundred products, taken in another order, and approximations of tanh. */
function agree(values, expected) {
  const near = (value, i) => Math.abs(value - expected[i]) <= 1e-4 * Math.max(1, Math.abs(expected[i]));
  return values.length === expected.length && values.every(near);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
