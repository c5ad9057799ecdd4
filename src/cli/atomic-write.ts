/** Files for the command line: written whole or not at all, and errors in plain words. Node only. */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FileError } from "../errors.ts";

/**
 * Replaces the file at `path` (a symbolic link is followed) by `bytes`, such that a crash at any moment
 * leaves either the old file or the new one: a temporary file in the same directory, fsync, rename. Devices
 * and pipes have nothing to keep and are written directly.
 * @throws FileError saying the path and the cause; the old file is then untouched.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const target = await targetOf(path);
    const existing = await stat(target).catch(() => undefined);
    if (existing && !existing.isFile()) await writeFile(target, bytes);
    else await replaceFile(target, bytes, existing?.mode);
  } catch (cause) {
    throw new FileError(`cannot write ${path}: ${explain(cause, "the directory does not exist")}`, { cause });
  }
}

/**
 * For those who write only after long work.
 * @throws FileError, as {@link writeFileAtomic} would, if a file cannot be made in the path's directory, or the path
 *   is a directory.
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    const target = await targetOf(path);
    const existing = await stat(target).catch(() => undefined);
    if (existing?.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    if (existing && !existing.isFile()) return;
    const temporary = temporaryName(target);
    await (await open(temporary, "wx")).close();
    await rm(temporary);
  } catch (cause) {
    throw new FileError(`cannot write ${path}: ${explain(cause, "the directory does not exist")}`, { cause });
  }
}

/**
 * The size of a file that is to be read later; 0 for a pipe.
 * @throws FileError saying the path and the cause if it is missing or a directory.
 */
export async function fileSize(path: string): Promise<number> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    return status.size;
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/**
 * The file's bytes, piece by piece.
 * @throws FileError as {@link readFileChecked}.
 */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path);
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/**
 * The file's bytes.
 * @throws FileError saying the path and the cause if it is missing, unreadable or a directory.
 */
export async function readFileChecked(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/** Where the path's symbolic links lead, of which the last may lead to a file that is not there yet. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const link = (error as NodeJS.ErrnoException).code === "ENOENT" && (await readlink(path).catch(() => ""));
    return link ? targetOf(resolve(dirname(path), link)) : path;
  }
}

/** `mode`: of the file that is replaced, if there is one. */
async function replaceFile(target: string, bytes: Uint8Array, mode?: number): Promise<void> {
  const temporary = temporaryName(target);
  // "wx", so that nobody's file is opened in its place.
  const file = await open(temporary, "wx");
  try {
    try {
      // Here, since what it is opened with would be without what the process masks.
      if (mode !== undefined) await file.chmod(mode & 0o777);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** In the same directory; a name of its own, so that two writers never meet. */
function temporaryName(target: string): string {
  return join(dirname(target), `.unrolled-${randomBytes(6).toString("hex")}.tmp`);
}

const CAUSES: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EMFILE: "too many files are open",
};

function cannotRead(path: string, cause: unknown): FileError {
  return new FileError(`cannot read ${path}: ${explain(cause, "the file does not exist")}`, { cause });
}

function explain(cause: unknown, missing: string): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return missing;
  return CAUSES[code ?? ""] ?? message;
}
