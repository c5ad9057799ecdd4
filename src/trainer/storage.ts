/*
 * Runs kept in the browser's own storage. A run has two entries in one IndexedDB database: its text, written once,
 * and its latest checkpoint, which replaces the one before in one transaction: whole or not at all.
 */
import { createStore, del, get, keys, setMany, type UseStore } from "idb-keyval";
import { EngineError, FormatError } from "../errors.ts";
import type { History, TrainerOptions, TrainerState } from "./options.ts";

export interface Checkpoint {
  version: 1;
  /** Milliseconds since 1970. */
  savedAt: number;
  step: number;
  steps: number;
  state: TrainerState;
  options: Omit<TrainerOptions, "text">;
  /** The bytes of a model file with the optimizer's state. */
  file: Uint8Array<ArrayBuffer>;
  history: History;
}

/** What a list of kept runs tells of each. */
export interface StoredRunInfo extends Pick<Checkpoint, "savedAt" | "step" | "steps" | "options"> {
  name: string;
  bytes: number;
}

let opened: UseStore | undefined;

function store(): UseStore {
  if (typeof indexedDB === "undefined") {
    throw new EngineError("there is no IndexedDB here to keep runs in: leave out `checkpoint`");
  }
  opened ??= createStore("unrolled", "runs");
  return opened;
}

const textKey = (name: string): string => `text ${name}`;
const checkpointKey = (name: string): string => `checkpoint ${name}`;

/** @throws EngineError where the browser refuses to store: its disk quota, or a private window. */
export async function writeCheckpoint(name: string, checkpoint: Checkpoint, text?: string): Promise<void> {
  const entries: [string, unknown][] = [[checkpointKey(name), checkpoint]];
  if (text !== undefined) entries.push([textKey(name), text]);
  try {
    await setMany(entries, store());
  } catch (cause) {
    throw new EngineError(`the browser did not keep the checkpoint ${JSON.stringify(name)}: ${cause}`, {
      cause,
    });
  }
}

/** @throws FormatError if there is none of that name, or it is of another version. */
export async function readCheckpoint(name: string): Promise<{ checkpoint: Checkpoint; text: string }> {
  const checkpoint = await get<Checkpoint>(checkpointKey(name), store());
  const text = await get<string>(textKey(name), store());
  if (!checkpoint || text === undefined) {
    throw new FormatError(`no run is kept under the name ${JSON.stringify(name)}`);
  }
  if (checkpoint.version !== 1) {
    throw new FormatError(`the run ${JSON.stringify(name)} has version ${checkpoint.version}, expected 1`);
  }
  return { checkpoint, text };
}

/** The text of a kept run. */
export async function readStoredText(name: string): Promise<string | undefined> {
  return get<string>(textKey(name), store());
}

/** The runs that are kept, the latest first. */
export async function listStoredRuns(): Promise<StoredRunInfo[]> {
  const prefix = checkpointKey("");
  const names = (await keys<string>(store())).filter((key) => key.startsWith(prefix));
  const runs: StoredRunInfo[] = [];
  for (const key of names) {
    const checkpoint = await get<Checkpoint>(key, store());
    if (!checkpoint) continue;
    const { savedAt, step, steps, options, file } = checkpoint;
    runs.push({ name: key.slice(prefix.length), savedAt, step, steps, options, bytes: file.length });
  }
  return runs.sort((a, b) => b.savedAt - a.savedAt);
}

export async function deleteStoredRun(name: string): Promise<void> {
  await del(checkpointKey(name), store());
  await del(textKey(name), store());
}
