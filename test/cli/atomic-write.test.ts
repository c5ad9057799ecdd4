import { existsSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFileChecked, writeFileAtomic } from "../../src/cli/atomic-write.ts";
import { FileError } from "../../src/errors.ts";

const bytes = Uint8Array.of(1, 2, 3);
const isRoot = process.getuid?.() === 0;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "unrolled-test-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** What a promise is rejected with, checked to be a FileError. */
async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FileError);
  return (error as FileError).message;
}

describe("writeFileAtomic", () => {
  it("writes a new file, replaces an old one, and leaves nothing else", async () => {
    const path = join(directory, "model.safetensors");
    await writeFileAtomic(path, Uint8Array.of(9, 9, 9, 9, 9));
    await writeFileAtomic(path, bytes);
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
    expect(await readdir(directory)).toEqual(["model.safetensors"]);
  });

  it("keeps a file's permissions, and a link a link", async () => {
    const path = join(directory, "model");
    const link = join(directory, "link");
    await writeFile(path, "old");
    await symlink(path, link);
    for (const mode of [0o600, 0o666]) {
      await chmod(path, mode);
      await writeFileAtomic(link, bytes);
      expect(new Uint8Array(await readFile(path))).toEqual(bytes);
      expect((await stat(path)).mode & 0o777).toBe(mode);
      expect((await lstat(link)).isSymbolicLink()).toBe(true);
    }
  });

  it("makes the file that a link leads to", async () => {
    await symlink("second", join(directory, "first"));
    await symlink("model", join(directory, "second"));
    await writeFileAtomic(join(directory, "first"), bytes);
    expect(new Uint8Array(await readFile(join(directory, "model")))).toEqual(bytes);
    expect((await readdir(directory)).sort()).toEqual(["first", "model", "second"]);
    expect((await lstat(join(directory, "first"))).isSymbolicLink()).toBe(true);
  });

  it("says that a directory does not exist", async () => {
    const path = join(directory, "none", "model");
    expect(await messageOf(writeFileAtomic(path, bytes))).toBe(
      `cannot write ${path}: the directory does not exist`,
    );
  });

  it("says that the path is a directory", async () => {
    const path = join(directory, "sub");
    await mkdir(path);
    expect(await messageOf(writeFileAtomic(path, bytes))).toBe(`cannot write ${path}: it is a directory`);
    expect(await readdir(directory)).toEqual(["sub"]);
  });

  it("says that a part of the path is a file", async () => {
    const path = join(directory, "file", "model");
    await writeFile(join(directory, "file"), "");
    expect(await messageOf(writeFileAtomic(path, bytes))).toBe(
      `cannot write ${path}: a part of the path is not a directory`,
    );
  });

  it.skipIf(isRoot)("says that permission is denied", async () => {
    const path = join(directory, "model");
    await chmod(directory, 0o555);
    expect(await messageOf(writeFileAtomic(path, bytes))).toBe(`cannot write ${path}: permission denied`);
  });

  it.skipIf(!existsSync("/dev/full"))("says that the disk is full", async () => {
    expect(await messageOf(writeFileAtomic("/dev/full", bytes))).toBe(
      "cannot write /dev/full: the disk is full",
    );
    expect((await stat("/dev/full")).isCharacterDevice()).toBe(true);
  });

  it("keeps the old file and removes the temporary one when the write fails", async () => {
    const path = join(directory, "model");
    await writeFile(path, "old");
    const notBytes = 3 as unknown as Uint8Array;
    expect(await messageOf(writeFileAtomic(path, notBytes))).toContain(`cannot write ${path}: `);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(directory)).toEqual(["model"]);
  });
});

describe("readFileChecked", () => {
  it("reads a file", async () => {
    const path = join(directory, "text");
    await writeFile(path, bytes);
    expect(await readFileChecked(path)).toEqual(bytes);
  });

  it("says that there is no file, or a directory", async () => {
    const path = join(directory, "none");
    expect(await messageOf(readFileChecked(path))).toBe(`cannot read ${path}: the file does not exist`);
    expect(await messageOf(readFileChecked(directory))).toBe(`cannot read ${directory}: it is a directory`);
  });

  it.skipIf(isRoot)("says that permission is denied", async () => {
    const path = join(directory, "secret");
    await writeFile(path, bytes, { mode: 0 });
    expect(await messageOf(readFileChecked(path))).toBe(`cannot read ${path}: permission denied`);
  });
});
