/*
 * Runs kept in the browser's own storage. A run has three entries in one IndexedDB database: its text, written once;
 * and its record (settings and curves) and file (weights), which replace the ones before in one transaction: whole or
 * not at all. They are apart so that a list of runs need not read weights.
 */
import { createStore, delMany, get, getMany, keys, promisifyRequest, type UseStore } from "idb-keyval";
import { ConfigError, EngineError, FormatError } from "../errors.ts";
import type { History, TrainerOptions, TrainerState } from "./options.ts";

interface RunRecord {
  version: 1;
  /** Milliseconds since 1970. */
  savedAt: number;
  step: number;
  steps: number;
  state: TrainerState;
  options: Omit<TrainerOptions, "text">;
  /** As in {@link TrainerInfo}. */
  bytesPerToken: number;
  /** Runs of earlier versions have none. */
  validationBytesPerToken?: number;
  history: History;
}

/** What a list of kept runs tells of each. */
export interface StoredRunInfo extends RunRecord {
  name: string;
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
const recordKey = (name: string): string => `record ${name}`;
const fileKey = (name: string): string => `file ${name}`;

/**
 * @param file the bytes of a model file with the optimizer's state.
 * @throws EngineError where the browser refuses to store: its disk quota, or a private window.
 */
export async function writeCheckpoint(
  name: string,
  record: Omit<RunRecord, "version" | "savedAt">,
  file: Uint8Array<ArrayBuffer>,
  text?: string,
): Promise<void> {
  const kept: RunRecord = { version: 1, savedAt: Date.now(), ...record };
  try {
    await store()("readwrite", async (entries) => {
      if (text !== undefined) entries.put(text, textKey(name));
      // Without its text the run was deleted, by another tab perhaps: it is not to come back in parts.
      else if ((await promisifyRequest(entries.getKey(textKey(name)))) === undefined) return;
      entries.put(kept, recordKey(name));
      entries.put(file, fileKey(name));
      await promisifyRequest(entries.transaction);
    });
  } catch (cause) {
    throw new EngineError(`the browser did not keep the checkpoint ${JSON.stringify(name)}: ${cause}`, {
      cause,
    });
  }
}

/** @throws FormatError if there is none of that name, or it is of another version. */
export async function readCheckpoint(
  name: string,
): Promise<{ record: RunRecord; file: Uint8Array<ArrayBuffer>; text: string }> {
  const read = [recordKey(name), fileKey(name), textKey(name)];
  const [record, file, text] = (await getMany<unknown>(read, store())) as [
    RunRecord?,
    Uint8Array<ArrayBuffer>?,
    string?,
  ];
  if (!record || !file || text === undefined) {
    throw new FormatError(`no run is kept under the name ${JSON.stringify(name)}`);
  }
  if (record.version !== 1) {
    throw new FormatError(`the run ${JSON.stringify(name)} has version ${record.version}, expected 1`);
  }
  return { record, file, text };
}

/** @throws ConfigError if a run is kept under the name: another one would take its place. */
export async function checkIsFree(name: string): Promise<void> {
  if ((await get(recordKey(name), store())) === undefined) return;
  const quoted = JSON.stringify(name);
  throw new ConfigError(
    `checkpoint: a run is kept under the name ${quoted}: createTrainer({ checkpoint: ${quoted} }) goes on with it, ` +
      `deleteStoredRun(${quoted}) removes it`,
  );
}

/** How long a tab that is just being closed, or loaded anew, may still have a run, in milliseconds. */
const PATIENCE = 3000;

/**
 * Holds a run until this worker ends: two that went on with it would each overwrite what the other kept.
 * @throws EngineError if it is open elsewhere.
 */
export async function holdRun(name: string): Promise<void> {
  // A page that came over http has no locks, and outside of a worker nothing would end one.
  if (!("WorkerGlobalScope" in globalThis) || !navigator.locks) return;
  await new Promise<void>((resolve, reject) => {
    const hold = (): Promise<never> => {
      resolve();
      return new Promise(() => {});
    };
    const fail = (cause: Error): void => {
      const isHeld = cause.name === "TimeoutError";
      const message = `the run ${JSON.stringify(name)} is open elsewhere: close it in the other tab first`;
      reject(isHeld ? new EngineError(message, { cause }) : cause);
    };
    navigator.locks
      .request(`unrolled run ${name}`, { signal: AbortSignal.timeout(PATIENCE) }, hold)
      .catch(fail);
  });
}

/** The text of a kept run. */
export async function readStoredText(name: string): Promise<string | undefined> {
  return get<string>(textKey(name), store());
}

/** The runs that are kept, the latest first. */
export async function listStoredRuns(): Promise<StoredRunInfo[]> {
  const prefix = recordKey("");
  const found = (await keys<string>(store())).filter((key) => key.startsWith(prefix));
  const records = await getMany<RunRecord>(found, store());
  return records
    .flatMap((record, i) => (record ? [{ name: found[i].slice(prefix.length), ...record }] : []))
    .sort((a, b) => b.savedAt - a.savedAt);
}

/** A trainer that has it open goes on, and keeps nothing any more. */
export async function deleteStoredRun(name: string): Promise<void> {
  await delMany([recordKey(name), fileKey(name), textKey(name)], store());
}
