/*
 * Runs kept in the browser's own storage. A run has three entries in one IndexedDB database: its text, written once;
 * and its record (settings and curves) and file (weights), which replace the ones before in one transaction: whole or
 * not at all. They are apart so that a list of runs need not read weights.
 */
import { createStore, delMany, get, getMany, keys, setMany, type UseStore } from "idb-keyval";
import { EngineError, FormatError } from "../errors.ts";
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
  const entries: [string, unknown][] = [
    [recordKey(name), { version: 1, savedAt: Date.now(), ...record } satisfies RunRecord],
    [fileKey(name), file],
  ];
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

/** How long a tab that is just being closed, or loaded anew, may still have a run, in milliseconds. */
const PATIENCE = 1000;

/** @throws EngineError if the run is open in another tab, or by another trainer. */
async function withRun<T>(name: string, body: () => Promise<T>): Promise<T> {
  // A page that came over http has no locks: nobody is kept out there.
  if (!globalThis.navigator?.locks) return body();
  try {
    return await navigator.locks.request(
      `unrolled run ${name}`,
      { signal: AbortSignal.timeout(PATIENCE) },
      body,
    );
  } catch (cause) {
    if ((cause as Error).name !== "TimeoutError") throw cause;
    throw new EngineError(
      `the run ${JSON.stringify(name)} is open elsewhere: close it in the other tab first`,
      {
        cause,
      },
    );
  }
}

/**
 * Holds a run until this worker ends: two that went on with it would each overwrite what the other kept.
 * @throws EngineError if it is open elsewhere.
 */
export async function holdRun(name: string): Promise<void> {
  // Outside of a worker nothing would end it.
  if (!("WorkerGlobalScope" in globalThis)) return;
  await new Promise<void>((resolve, reject) => {
    withRun(name, () => {
      resolve();
      return new Promise<never>(() => {});
    }).catch(reject);
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

/** @throws EngineError if it is open: whoever has it would keep it again, without its text. */
export async function deleteStoredRun(name: string): Promise<void> {
  await withRun(name, () => delMany([recordKey(name), fileKey(name), textKey(name)], store()));
}
