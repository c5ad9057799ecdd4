/** Reads a file as text. */
const MOST_BYTES = 32 * 2 ** 20;

/** @throws Error with a sentence to show, if it is too large or no UTF-8 text. */
export async function readTextFile(file: File): Promise<string> {
  if (file.size > MOST_BYTES) {
    const megabytes = Math.ceil(file.size / 2 ** 20);
    throw new Error(`${file.name} has ${megabytes} MB: at most ${MOST_BYTES / 2 ** 20} MB are read.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is not UTF-8 text.`);
  }
}
