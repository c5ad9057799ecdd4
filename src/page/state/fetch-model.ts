/** A model of a stranger's, from an address. */
import { ConfigError, fetchModelFile } from "unrolled";

const MOST_BYTES = 64 * 2 ** 20;

/**
 * @param onShare hears how much has come, from 0 to 1; 1 where the server does not say how much there is.
 * @throws ConfigError for an address that is not https: (or the page's own), FileError where the file does not come.
 */
export async function fetchModel(
  address: string,
  onShare: (share: number) => void,
): Promise<{ name: string; bytes: Uint8Array }> {
  const url = new URL(address, location.href);
  if (url.protocol !== "https:" && url.origin !== location.origin) {
    throw new ConfigError(`expected an address that begins with https:, got ${url.protocol}`);
  }
  const bytes = await fetchModelFile(url, {
    maximumBytes: MOST_BYTES,
    onProgress: (received, total) => onShare(total ? Math.min(1, received / total) : 1),
  });
  const file = url.pathname.split("/").at(-1) ?? "";
  return { name: file.replace(/\.safetensors$/, "").slice(0, 60) || "model", bytes };
}
