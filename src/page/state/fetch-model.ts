/** Fetches a model of a stranger's: with a limit to its size and to the time, and without anything that tells who asks. */
const MOST_BYTES = 64 * 2 ** 20;
const TIMEOUT = 60_000;

/**
 * @param onShare hears how much has come, from 0 to 1; 1 where the server does not say how much there is.
 * @throws Error with a sentence to show.
 */
export async function fetchModel(
  address: string,
  onShare: (share: number) => void,
): Promise<{ name: string; bytes: Uint8Array }> {
  const url = new URL(address, location.href);
  if (url.protocol !== "https:" && url.origin !== location.origin) {
    throw new Error(`The address must begin with https:, and ${url.protocol} came`);
  }
  const response = await fetch(url, {
    credentials: "omit",
    referrerPolicy: "no-referrer",
    signal: AbortSignal.timeout(TIMEOUT),
  }).catch((error) => {
    throw new Error(`${url.host} did not give the file: ${(error as Error).message}`);
  });
  if (!response.ok || !response.body) throw new Error(`${url.host} answered with status ${response.status}`);
  const length = Number(response.headers.get("Content-Length"));
  const tooLarge = new Error(`The file is larger than ${MOST_BYTES / 2 ** 20} MB, the most that is loaded`);
  if (length > MOST_BYTES) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let total = 0;
  // What the server says of the length need not be true.
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > MOST_BYTES) {
      await reader.cancel();
      throw tooLarge;
    }
    chunks.push(value);
    onShare(length > 0 ? Math.min(1, total / length) : 1);
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  const file = decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
  return { name: file.replace(/\.safetensors$/, "").slice(0, 60) || "model", bytes };
}
